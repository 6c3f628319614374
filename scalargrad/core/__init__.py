"""What every Value has, whatever the engine: operators, fields, modes, copies, recording."""
