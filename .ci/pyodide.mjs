// Run pyodide.py with the wheels of a folder in Pyodide.
import { loadPyodide } from "pyodide";
import fs from "fs";

const python = await loadPyodide();
for (const wheel of fs.readdirSync("wheels"))
  python.unpackArchive(fs.readFileSync(`wheels/${wheel}`).buffer.slice(0), "wheel");
python.runPython(fs.readFileSync("pyodide.py", "utf8"));
