"""The table: one row an operation. Engines, labels, docs and tests read these rows.

`x` is the first operand, `y` the second, `z` the result; a partial may also use the names
that its forward formula binds. A plain number as an operand has no partial. Where a partial is good
for floats only, as it stands on a branch or cancels, `on_values` states it for graphs of gradients.
"""

from __future__ import annotations

from functools import reduce

from .row import binary, many, unary

# == arithmetic ========================================================================

ADD = binary(
    "add",
    by_hand=True,
    commutes=True,
    symbol="+",
    forward="x + y",
    partials=("1", "1"),
    doc="Add two operands.",
    sample=((-9, 9), (-9, 9)),
)
SUB = binary(
    "sub",
    by_hand=True,
    symbol="−",
    forward="x - y",
    partials=("1", "-1"),
    doc="Subtract the second operand from the first.",
    sample=((-9, 9), (-9, 9)),
)
MUL = binary(
    "mul",
    by_hand=True,
    commutes=True,
    symbol="×",
    forward="x * y",
    partials=("y", "x"),
    doc="Multiply two operands.",
    sample=((-9, 9), (-9, 9)),
)
DIV = binary(
    "div",
    by_hand=True,
    symbol="/",
    forward="x / y",
    partials=("1 / y", "-z / y"),
    shown=("1/y", "−x/y²"),
    doc="Divide the first operand by the second.",
    domain="any y; x/0 is an infinity, 0/0 is nan",
    sample=((-9, 9), (0.1, 9)),
)
NEG = unary(
    "neg",
    by_hand=True,
    symbol="−",
    forward="-x",
    partials=("-1",),
    doc="Change the sign.",
    sample=((-9, 9),),
)
SIGN = unary(
    "sign",
    forward="where(x > 0, 1, where(x < 0, -1, where(x == x, 0, x)))",
    partials=("0",),
    doc="Return −1, 0 or 1.",
    helper=True,
    kink="x == 0",
    sample=((0.1, 9),),
)
ABS = unary(
    "abs",
    numpy=("fabs",),
    by_hand=True,
    forward="abs(x)",
    partials=("sign(x)",),
    doc="Take the absolute value.",
    domain=(
        "any x; the derivative at 0 is taken as 0, and in graphs of gradients as that of one side,"
        " 1 (−1 at −0), so that abs(x)**2 has its second derivative 2; the kink itself has none,"
        " and hypot(x, y)**2 at (0, 0) cannot be had so"
    ),
    kink="x == 0",
    side="x * copysign(1, x)",
    sample=((-9, 9),),
)

# == powers, exponentials, logarithms ==================================================

_ROOT = "where(x == -INF, INF, sqrt(x + 0))"  # also of −0 and −inf that of pow: 0 and inf
#: powers that are products, quotients and roots, each with its derivative, z being the power;
#: at most two units in the last place are lost
POWERS = {
    "2": ("x * x", "2 * x"),
    "3": ("x * x * x", "3 * (x * x)"),
    "4": ("x * x * (x * x)", "4 * (x * x * x)"),
    "-1": ("1 / x", "-(z * z)"),
    "-2": ("1 / x * (1 / x)", "-2 * (z / x)"),
    "0.5": (_ROOT, "0.5 / z"),
    "-0.5": (f"1 / {_ROOT}", "-0.5 * (z / (x + 0))"),
    "1.5": (f"where(x == -INF, INF, (x + 0) * {_ROOT})", f"1.5 * {_ROOT}"),
}


# all other powers; of the derivative at most four units in the last place are lost
_OTHER = "pow(x, y)"
_OTHER_BY_X = (
    "where(y == 0, 0, where(abs(y) < INF and abs(z) < INF and abs(z) > 2.3e-308,"
    " where(y < 1 or abs(z) < 1, y * z / x, y * (z / x)), y * pow(x, y - 1)))"
)


def _chosen(column: int, other: str) -> str:
    """Return a formula of all powers; one test sends on those that are no multiple of a half."""
    chain = other
    for y, formulas in reversed(POWERS.items()):
        chain = f"where(y == {y}, {formulas[column]}, {chain})"
    return f"where(y + HALVES - HALVES == y, {chain}, {other})"


_POWER, _POWER_BY_X = _chosen(0, _OTHER), _chosen(1, _OTHER_BY_X)
_POWER_BY_Y = "where(x == 0 and y >= 0, 0, z * log(x))"
_POWER_BY_XX = "where(y == 0 or y == 1, 0, y * (y - 1) * pow(x, y - 2))"
_POWER_BY_XY = (
    "where(x == 0 and y > 1, 0, pow(x, y - 1) * (1 + where(x == 0 and y == 0, 0, y * log(x))))"
)
_POWER_BY_YY = "where(x == 0 and y >= 0, 0, pow(x, y) * log(x) * log(x))"
_POWER_BY_XXX = "where(y == 0 or y == 1 or y == 2, 0, y * pow_xx(x, y - 1))"
_POWER_BY_YYY = "where(x == 0 and y >= 0, 0, pow_yy(x, y) * log(x))"
# by recurrences, and at x = 0 by their limits, where a term would be 0·inf or inf − inf
_XXY, _XYY = "pow_x(x, y - 1) + y * pow_xy(x, y - 1)", "2 * pow_y(x, y - 1) + y * pow_yy(x, y - 1)"
_XXY_AT_0 = (
    "where(y > 2, 0, pow(x, y - 2) * (2 * y - 1 +"
    " where(y == 0 or y == 1, 0, y * (y - 1) * log(x))))"
)
_XYY_AT_0 = "where(y > 1, 0, pow(x, y - 1) * log(x) * (2 + where(y == 0, 0, y * log(x))))"
_POWER_BY_XXY = f"where(x == 0, {_XXY_AT_0}, {_XXY})"
_POWER_BY_XYY = f"where(x == 0, {_XYY_AT_0}, {_XYY})"


def _but_at_0(graph: str, limit: str) -> str:
    """Return a formula on Values that has its own number where the base is 0."""
    return f"where(x == 0, numbered(still({limit}), {graph}), {graph})"


POW = binary(
    "pow",
    symbol="**",
    forward=_POWER,
    written="x ** y",
    partials=(_POWER_BY_X, _POWER_BY_Y),
    unbranched=(_OTHER, _OTHER_BY_X, _POWER_BY_Y),
    on_values=(
        "where(plain(y) and (y == 0 or y == 2), where(y == 0, 0, 2 * x), pow_x(x, y))",
        "pow_y(x, y)",
    ),
    shown=("y·x^(y−1)", "z·log x"),
    doc="Raise the first operand to the power of the second.",
    domain="x < 0 needs an integer y, else nan; never complex",
    source="C99, annex F.9.4.4 (special cases of pow)",
    sample=((0.1, 5), (-4, 4)),
)
# its derivatives, each with its own limits at x = 0
POW_X = binary(
    "pow_x",
    forward=f"p = {_POWER}; {_POWER_BY_X.replace('z', 'p')}",
    written="y·x^(y−1)",
    partials=(_POWER_BY_XX, _POWER_BY_XY),
    on_values=("pow_xx(x, y)", "pow_xy(x, y)"),
    shown=("y·(y−1)·x^(y−2)", "x^(y−1)·(1+y·log x)"),
    doc="Compute the derivative of x ** y by x.",
    helper=True,
    sample=((0.1, 5), (-4, 4)),
)
POW_Y = binary(
    "pow_y",
    forward=f"p = {_POWER}; {_POWER_BY_Y.replace('z', 'p')}",
    written="x^y·log x",
    partials=(_POWER_BY_XY, _POWER_BY_YY),
    on_values=("pow_xy(x, y)", "pow_yy(x, y)"),
    shown=("x^(y−1)·(1+y·log x)", "x^y·(log x)²"),
    doc="Compute the derivative of x ** y by y.",
    helper=True,
    sample=((0.1, 5), (-4, 4)),
)
POW_XX = binary(
    "pow_xx",
    forward=_POWER_BY_XX,
    written="y·(y−1)·x^(y−2)",
    partials=(_POWER_BY_XXX, _POWER_BY_XXY),
    # a plain exponent ends in exact zeros
    on_values=(
        "where(plain(y) and (y == 0 or y == 1 or y == 2), 0, "
        + _but_at_0("y * pow_xx(x, y - 1)", _POWER_BY_XXX)
        + ")",
        _but_at_0(_XXY, _XXY_AT_0),
    ),
    shown=("y·(y−1)·(y−2)·x^(y−3)", "x^(y−2)·(2y−1+y·(y−1)·log x)"),
    doc="Compute the second derivative of x ** y by x.",
    helper=True,
    sample=((0.1, 5), (-4, 4)),
)
POW_XY = binary(
    "pow_xy",
    forward=_POWER_BY_XY,
    written="x^(y−1)·(1 + y·log x)",
    partials=(_POWER_BY_XXY, _POWER_BY_XYY),
    on_values=(_but_at_0(_XXY, _XXY_AT_0), _but_at_0(_XYY, _XYY_AT_0)),
    shown=("x^(y−2)·(2y−1+y·(y−1)·log x)", "x^(y−1)·log x·(2+y·log x)"),
    doc="Compute the second derivative of x ** y by x and y.",
    helper=True,
    sample=((0.1, 5), (-4, 4)),
)
POW_YY = binary(
    "pow_yy",
    forward=_POWER_BY_YY,
    written="x^y·(log x)²",
    partials=(_POWER_BY_XYY, _POWER_BY_YYY),
    on_values=(
        _but_at_0(_XYY, _XYY_AT_0),
        _but_at_0("pow_yy(x, y) * log(x)", _POWER_BY_YYY),
    ),
    shown=("x^(y−1)·log x·(2+y·log x)", "x^y·(log x)³"),
    doc="Compute the second derivative of x ** y by y.",
    helper=True,
    sample=((0.1, 5), (-4, 4)),
)
EXP = unary(
    "exp",
    forward="exp(x)",
    partials=("z",),
    shown=("z",),
    doc="Raise e to the power of x.",
    domain="any x; above 709.78 the result is inf",
    sample=((-20, 20),),
)
EXPM1 = unary(
    "expm1",
    forward="expm1(x)",
    partials=("exp(x)",),
    shown=("exp(x)",),
    doc="Compute exp(x) − 1 without cancellation near 0.",
    sample=((-20, 20),),
)
EXP2 = unary(
    "exp2",
    forward="exp2(x)",
    partials=("z * LN2",),
    shown=("z·log 2",),
    written="2^x",
    doc="Raise 2 to a power.",
    sample=((-20, 20),),
)
LOG = unary(
    "log",
    forward="log(x)",
    partials=("1 / (x + 0)",),
    shown=("1/x",),
    doc="Take the natural logarithm.",
    domain="x > 0; log(0) is −inf, below 0 nan",
    sample=((1e-3, 50),),
)
LOG1P = unary(
    "log1p",
    forward="log1p(x)",
    partials=("1 / (1 + x)",),
    shown=("1/(1+x)",),
    doc="Take the logarithm of 1 + x without cancellation near 0.",
    domain="x > −1",
    sample=((-0.9, 50),),
)
LOG2 = unary(
    "log2",
    forward="log2(x)",
    partials=("ONE_OVER_LN2 / (x + 0)",),
    shown=("1/(x·log 2)",),
    doc="Take the logarithm to base 2.",
    domain="x > 0",
    sample=((1e-3, 50),),
)
LOG10 = unary(
    "log10",
    forward="log10(x)",
    partials=("ONE_OVER_LN10 / (x + 0)",),
    shown=("1/(x·log 10)",),
    doc="Take the logarithm to base 10.",
    domain="x > 0",
    sample=((1e-3, 50),),
)
XLOGY = binary(
    "xlogy",
    forward="where(x == 0 and y == y, 0, x * log(y))",
    partials=("log(y)", "where(x == 0 and y == y, 0, x / y)"),
    on_values=("log(y)", "where(x == 0 and y == 0, xlogy_y(x, y), x / y)"),
    shown=("log y", "x/y"),
    written="x·log y, but 0 at x = 0",
    doc="Compute x·log(y), and 0 where x is 0: a term of an entropy.",
    domain="y > 0, and any y where x = 0; else nan, or −inf·x at y = 0",
    sample=((-9, 9), (0.1, 9)),
)
XLOGY_Y = binary(
    "xlogy_y",
    forward="where(x == 0 and y == y, 0, x / y)",
    partials=("1 / y", "where(x == 0 and y == y, 0, -z / y)"),
    on_values=("1 / y", "-xlogy_y(x, y * y)"),
    shown=("1/y", "−x/y²"),
    written="x/y, but 0 at x = 0",
    doc="Compute the derivative of xlogy(x, y) by y: a quotient that is 0 where x is 0.",
    helper=True,
    sample=((-9, 9), (0.1, 9)),
)
SQRT = unary(
    "sqrt",
    symbol="√",
    forward="sqrt(x)",
    partials=("0.5 / (z + 0)",),  # + 0 turns the −0.0 of sqrt(−0.0) into 0
    shown=("1/(2z)",),
    doc="Take the square root.",
    domain="x >= 0, else nan; the derivative at 0 is inf",
    sample=((1e-3, 50),),
)
CBRT = unary(
    "cbrt",
    symbol="∛",
    forward="cbrt(x)",
    partials=("where(abs(x) > 1e-100 and abs(x) < INF, z / x / 3, 1 / z / z / 3)",),
    shown=("1/(3z²)",),
    doc="Take the cube root.",
    domain="any x; the derivative at 0 is inf",
    sample=((-50, 50),),
)
HYPOT = binary(
    "hypot",
    numpy=("hypot",),
    commutes=True,
    forward=(
        "a = abs(x); b = abs(y); m = where(a > b, a, b); k = where(a > b, b, a);"
        "where(m == INF, m, where(m == 0 or k == INF, k, m * sqrt(1 + (k / m) * (k / m))))"
    ),
    partials=("where(z == 0, 0, x / z)", "where(z == 0, 0, y / z)"),
    shown=("x/z", "y/z"),
    written="√(x² + y²)",
    doc="Compute the length of the vector (x, y) without overflow on the way.",
    domain=(
        "any; the derivatives at (0, 0) are taken as 0, those of higher orders too: for"
        " hypot(x, y)**2 there write x*x + y*y"
    ),
    kink="x == 0 and y == 0",
    sample=((-9, 9), (-9, 9)),
)

# == trigonometric and hyperbolic ======================================================

SIN = unary(
    "sin",
    forward="sin(x)",
    partials=("cos(x)",),
    shown=("cos(x)",),
    doc="Take the sine of an angle in radians.",
    sample=((-9, 9),),
)
COS = unary(
    "cos",
    forward="cos(x)",
    partials=("-sin(x)",),
    shown=("−sin(x)",),
    doc="Take the cosine of an angle in radians.",
    sample=((-9, 9),),
)
TAN = unary(
    "tan",
    forward="tan(x)",
    partials=("1 + z * z",),
    shown=("1+z²",),
    doc="Take the tangent of an angle in radians.",
    sample=((-1.5, 1.5),),
)
ONE_MINUS_SQUARE = unary(
    "one_minus_square",
    forward="(1 - x) * (1 + x)",
    partials=("-2 * x",),
    shown=("−2x",),
    written="1 − x²",
    doc="Compute 1 − x² without cancellation near −1 and 1.",
    helper=True,
    sample=((-0.99, 0.99),),
)
ASIN = unary(
    "asin",
    numpy=("arcsin",),
    forward="asin(x)",
    partials=("1 / sqrt(one_minus_square(x))",),
    shown=("1/√(1−x²)",),
    doc="Take the arc sine, in radians.",
    domain="−1 <= x <= 1, else nan; the derivative at the ends is inf",
    sample=((-0.99, 0.99),),
)
ACOS = unary(
    "acos",
    numpy=("arccos",),
    forward="acos(x)",
    partials=("-1 / sqrt(one_minus_square(x))",),
    shown=("−1/√(1−x²)",),
    doc="Take the arc cosine, in radians.",
    domain="−1 <= x <= 1, else nan; the derivative at the ends is −inf",
    sample=((-0.99, 0.99),),
)
ATAN = unary(
    "atan",
    numpy=("arctan",),
    forward="atan(x)",
    partials=("1 / (1 + x * x)",),
    shown=("1/(1+x²)",),
    doc="Take the arc tangent, in radians.",
    sample=((-9, 9),),
)
ATAN2 = binary(
    "atan2",
    numpy=("arctan2",),
    forward=(
        "m = still(where(abs(x) > abs(y), abs(x), abs(y))); a = x / m; b = y / m; atan2(x, y)"
    ),
    partials=(
        "where(z == z and (m == 0 or m == INF), 0, b / (a * a + b * b) / m)",
        "where(z == z and (m == 0 or m == INF), 0, -a / (a * a + b * b) / m)",
    ),
    shown=("y/(x²+y²)", "−x/(x²+y²)"),
    doc="Take the angle of the point with height x and width y, in radians.",
    domain="any; the derivatives at (0, 0) are taken as 0, those of an infinite operand are 0",
    kink="x == 0 and y == 0",
    sample=((-9, 9), (-9, 9)),
)
DEGREES = unary(
    "degrees",
    numpy=("rad2deg",),
    forward="x * DEGREES",
    partials=("DEGREES",),
    shown=("180/π",),
    written="x·180/π",
    doc="Turn radians into degrees.",
    sample=((-9, 9),),
)
RADIANS = unary(
    "radians",
    numpy=("deg2rad",),
    forward="x * RADIANS",
    partials=("RADIANS",),
    shown=("π/180",),
    written="x·π/180",
    doc="Turn degrees into radians.",
    sample=((-360, 360),),
)
SINH = unary(
    "sinh",
    forward="sinh(x)",
    partials=("cosh(x)",),
    shown=("cosh(x)",),
    doc="Take the hyperbolic sine.",
    sample=((-20, 20),),
)
COSH = unary(
    "cosh",
    forward="cosh(x)",
    partials=("sinh(x)",),
    shown=("sinh(x)",),
    doc="Take the hyperbolic cosine.",
    sample=((-20, 20),),
)
SECH2 = unary(
    "sech2",
    forward="e = exp(-2 * abs(x)); 4 * e / ((1 + e) * (1 + e))",
    partials=("-2 * tanh(x) * z",),
    doc="Compute 1 − tanh², accurate in the tails.",
    helper=True,
    sample=((-20, 20),),
)
TANH = unary(
    "tanh",
    forward="tanh(x)",
    partials=("sech2(x)",),
    shown=("1−z²",),
    definition="_p = exp(x); _m = exp(x * -1); (_p - _m) / (_p + _m)",
    written="tanh(x)",
    doc="Take the hyperbolic tangent.",
    sample=((-20, 20),),
)
ASINH = unary(
    "asinh",
    numpy=("arcsinh",),
    forward="asinh(x)",
    partials=("1 / hypot(x, 1)",),
    shown=("1/√(x²+1)",),
    doc="Take the inverse hyperbolic sine.",
    sample=((-50, 50),),
)
ACOSH = unary(
    "acosh",
    numpy=("arccosh",),
    forward="acosh(x)",
    partials=("1 / sqrt(x - 1) / sqrt(x + 1)",),
    shown=("1/√(x²−1)",),
    doc="Take the inverse hyperbolic cosine.",
    domain="x >= 1, else nan; the derivative at 1 is inf",
    sample=((1.01, 50),),
)
ATANH = unary(
    "atanh",
    numpy=("arctanh",),
    forward="atanh(x)",
    partials=("where(abs(x) <= 1, 1 / one_minus_square(x), z)",),
    shown=("1/(1−x²)",),
    doc="Take the inverse hyperbolic tangent.",
    domain="−1 <= x <= 1, else nan; infinite at the ends",
    sample=((-0.99, 0.99),),
)

# == activations =======================================================================

SIGMOID = unary(
    "sigmoid",
    forward="e = exp(-abs(x)); where(x >= 0, 1, e) / (1 + e)",
    partials=("z * (where(x >= 0, e, 1) / (1 + e))",),
    on_values=("sigmoid(x) * sigmoid(-x)",),
    shown=("z(1−z)",),
    definition="1 / (1 + exp(x * -1))",
    written="1 / (1 + exp(−x))",
    doc="Squash any number into (0, 1).",
    source="Saito, Deep Learning from Scratch, section 5.5.2",
    sample=((-20, 20),),
)
RELU = unary(
    "relu",
    forward="where(x > 0, x, where(x == x, 0, x))",
    partials=("where(x > 0, 1, where(x == x, 0, x))",),
    shown=("1 if x>0 else 0",),
    written="x if x > 0 else 0",
    doc="Keep positive numbers, replace the others by 0.",
    domain="any x; the derivative at 0 is taken as 0",
    source="Saito, Deep Learning from Scratch, section 5.5.1",
    kink="x == 0",
    sample=((-9, 9),),
)
LEAKY_RELU = binary(
    "leaky_relu",
    by_hand=True,
    forward="where(x > 0, x, y * x)",
    partials=("where(x > 0, 1, where(x == x, y, x))", "where(x > 0, 0, x)"),
    shown=("1 if x>0 else y", "0 if x>0 else x"),
    written="x if x > 0 else y·x",
    doc="Keep positive numbers, multiply the others by the slope y.",
    domain="any x; the derivative at 0 is taken as the slope",
    source="Maas, Hannun, Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models",
    kink="x == 0",
    sample=((-9, 9), (0.01, 0.5)),
)
SOFTPLUS = unary(
    "softplus",
    forward="where(x > 0, x, 0) + log1p(exp(-abs(x)))",
    partials=("sigmoid(x)",),
    shown=("sigmoid(x)",),
    definition="log(1 + exp(x))",
    doc="Compute log(1 + exp(x)), a smooth relu.",
    sample=((-20, 20),),
)
SILU = unary(
    "silu",
    forward="e = exp(-abs(x)); s = where(x >= 0, 1, e) / (1 + e); x * s",
    partials=("s * (1 + x * (where(x >= 0, e, 1) / (1 + e)))",),
    on_values=("sigmoid(x) * (1 + x * sigmoid(-x))",),
    shown=("sigmoid(x)·(1+x·sigmoid(−x))",),
    definition="x * sigmoid(x)",
    doc="Weigh x by its own sigmoid.",
    source="Elfwing, Uchibe, Doya, Sigmoid-Weighted Linear Units, section 2",
    sample=((-20, 20),),
)
GAUSS = binary(
    "gauss",
    # h holds the high half of x, so that h*h is exact and the exponent keeps its last digits;
    # what is left of it is so small that three terms of the series are exp(d)
    forward=(
        "t = 134217729 * x; h = t - (t - x); d = -y * ((x - h) * (x + h)); e = exp(-y * (h * h));"
        "where(abs(x) < 64, e + e * (d * (1 + d * (0.5 + d / 6))), where(x == x, 0, x))"
    ),
    partials=("-2 * y * x * z", "-x * x * z"),
    doc="Compute exp(−y·x²) to the last digits, for y = 1 or 1/2.",
    source="Dekker, A floating-point technique for extending the available precision (splitting)",
    helper=True,
    sample=((-5, 5), (0.5, 0.5)),
)
ERF = unary(
    "erf",
    forward="erf(x)",
    partials=("TWO_OVER_SQRT_PI * gauss(x, 1)",),
    shown=("2/√π·exp(−x²)",),
    doc="Take the error function.",
    sample=((-5, 5),),
)
ERFC = unary(
    "erfc",
    forward="erfc(x)",
    partials=("-TWO_OVER_SQRT_PI * gauss(x, 1)",),
    shown=("−2/√π·exp(−x²)",),
    doc="Compute 1 − erf(x) without cancellation for large x.",
    sample=((-5, 5),),
)
# steps of Halley from w0 towards the root of erf(w) = a; from ½ on by erfc, which has the digits
_HALLEY = "".join(
    f"u{k} = where(a < 0.5, erf(w{k}) - a, (1 - a) - erfc(w{k}))"
    f" / (TWO_OVER_SQRT_PI * exp(-w{k} * w{k})); w{k + 1} = w{k} - u{k} / (1 + w{k} * u{k});"
    for k in range(3)
)
_ERFINV_BY_X = (
    "where(abs(x) == 1, INF, where(abs(x) < 0.5, 1, erfc(abs(z)) / (1 - abs(x)))"
    " / (TWO_OVER_SQRT_PI * gauss(z, 1)))"
)
ERFINV = unary(
    "erfinv",
    # some digits by Winitzki's formula, then thrice three times as many
    forward=(
        "a = abs(x); l = where(a < 0.5, log1p(-a * a), log((1 - a) * (1 + a))) / 2; t = 4.33 + l;"
        "w0 = sqrt(-2 * l / 0.147 / (sqrt(t * t - 2 * l / 0.147) + t));"
        + _HALLEY
        + "where(a < 1, copysign(w3, x), where(a == 1, x * INF, asin(x)))"
    ),
    # exp(z²) would cost the digits of z²: above ½ by the ratio of the two tails
    partials=(_ERFINV_BY_X,),
    on_values=(
        "where(abs(x) < 1,"
        f" numbered(still({_ERFINV_BY_X}), 1 / (TWO_OVER_SQRT_PI * gauss(z, 1))), exp(z * z))",
    ),
    shown=("√π/2·exp(z²)",),
    written="the z of erf(z) = x",
    doc="Invert the error function.",
    domain="−1 < x < 1; infinite at the ends, outside nan",
    source="Winitzki, A handy approximation for the error function and its inverse",
    sample=((-0.99, 0.99),),
)
NDTR = unary(
    "ndtr",
    # s + e is −x/√2 to the last digit (e by Dekker's product): the tail is as steep as exp(−s²)
    forward=(
        "t = 134217729 * x; h = t - (t - x); s = -x * SQRT_HALF;"
        "e = (-h * SQRT_HALF_HIGH - s) - (x - h) * SQRT_HALF_HIGH - x * SQRT_HALF_LOW;"
        "where(abs(x) < 40, 0.5 * (erfc(s) - e * (TWO_OVER_SQRT_PI * exp(-s * s))),"
        " where(x < 0, 0, where(x > 0, 1, x)))"
    ),
    partials=("ONE_OVER_SQRT_2PI * gauss(x, 0.5)",),
    shown=("φ(x)",),
    definition="0.5 * erfc(x * SQRT_HALF * -1)",
    written="Φ(x), the normal distribution function, and φ its density",
    doc="Compute the normal distribution function.",
    sample=((-8, 8),),
)
# (x + 5) times the tail as a polynomial in u = (x − 5)/(x + 5), which goes from −1 at 0 to 1 at
# infinity: Chebyshev's series of that function, computed in 40 digits, up to its 32nd term
_TAIL_SERIES = (
    5.276678373526695, -3.0460682924941787, 0.4799797263642693, 0.6807347770208344,
    -0.41576764362823615, -0.13703990201783997, 0.21995855479276807, 0.0016598286848088773,
    -0.10310211826761294, 0.02353149924172625, 0.04471335425054055, -0.02072454674463158,
    -0.01793155103114418, 0.013492916981718915, 0.006482365846642521, -0.007708490576033934,
    -0.0019598439684590185, 0.004059317855260929, 0.0003672983326012219, -0.0020021807419993228,
    7.772201522128032e-05, 0.0009211980503297199, -0.00012572811815597415, -0.0003848503753091441,
    7.450969628102505e-05, 0.00013804062218312482, -2.7936392372636997e-05, -3.880587615604995e-05,
    6.4082884871848425e-06, 7.3814754733157585e-06, -6.876931992632984e-07, -6.95120513636113e-07,
)  # fmt: skip
_TAIL = reduce(lambda rest, first: f"({first} + u * {rest})", map(str, reversed(_TAIL_SERIES)))
NORMAL_TAIL = unary(
    "normal_tail",
    forward=f"q = 1 / (x + 5); u = 1 - 10 * q; q * {_TAIL}",
    partials=("z * (x + z) - 3",),
    written="3/(x + 4/(x + 5/(x + …)))",
    doc="Compute Laplace's continued fraction of the normal tail from its third level on, x >= 0.",
    source="Abramowitz, Stegun, Handbook of Mathematical Functions, 26.2.14",
    helper=True,
    sample=((0, 8),),
)
# φ(x)/Φ(x): as a continued fraction no digit of its derivatives cancels in the tail
_HAZARD = (
    "where(x > 0, gauss(x, 0.5) / ndtr(x) * ONE_OVER_SQRT_2PI,"
    " 1 / (2 / (normal_tail(-x) - x) - x) - x)"
)
LOG_NDTR = unary(
    "log_ndtr",
    forward=f"h = {_HAZARD}; where(x > 0, log1p(-ndtr(-x)), -x * x / 2 - log(h * SQRT_2PI))",
    partials=("h",),
    shown=("φ(x)/Φ(x)",),
    definition="log(ndtr(x))",
    written="log Φ(x), Φ the normal distribution function and φ its density",
    doc="Take the logarithm of the normal distribution function, far in the tail too.",
    sample=((-8, 8),),
)
GELU = unary(
    "gelu",
    forward="0.5 * x * erfc(-x * SQRT_HALF)",
    partials=("0.5 * erfc(-x * SQRT_HALF) + x * (ONE_OVER_SQRT_2PI * gauss(x, 0.5))",),
    shown=("Φ(x)+x·φ(x)",),
    definition="0.5 * x * (1 + erf(x * SQRT_HALF))",
    written="x·Φ(x), Φ the normal distribution function and φ its density",
    doc="Weigh x by the normal distribution function, exactly (with erf).",
    source="Hendrycks, Gimpel, Gaussian Error Linear Units, section 2",
    sample=((-8, 8),),
)

# == whole numbers and remainders ======================================================

FLOOR = unary(
    "floor",
    forward="floor(x)",
    partials=("where(x == x, 0, x)",),
    shown=("0",),
    written="⌊x⌋",
    doc="Round down to a whole number.",
    domain="any x; the derivative is taken as 0 at the jumps too",
    sample=((-9, 9),),
)
CEIL = unary(
    "ceil",
    forward="ceil(x)",
    partials=("where(x == x, 0, x)",),
    shown=("0",),
    written="⌈x⌉",
    doc="Round up to a whole number.",
    domain="any x; the derivative is taken as 0 at the jumps too",
    sample=((-9, 9),),
)
TRUNC = unary(
    "trunc",
    forward="trunc(x)",
    partials=("where(x == x, 0, x)",),
    shown=("0",),
    doc="Round towards 0 to a whole number.",
    domain="any x; the derivative is taken as 0 at the jumps too",
    sample=((-9, 9),),
)
RINT = unary(
    "rint",
    forward="where(abs(x) < INF, copysign(x - remainder(x, 1), x), x)",
    partials=("where(x == x, 0, x)",),
    shown=("0",),
    written="the nearest whole number",
    doc="Round to the nearest whole number, half-way to the even one.",
    domain="any x; the derivative is taken as 0 at the jumps too",
    sample=((-9, 9),),
)
ROUND = binary(
    "round",
    helper=True,
    # w + e is x·10^y to the last digit (e by Dekker's product), so that what only looks half-way
    # goes where it belongs; from 2^53 on no digit is left to round
    forward=(
        "p = pow(10, abs(y)); w = x * p; t = 134217729 * x; h = t - (t - x); l = x - h;"
        "s = 134217729 * p; g = s - (s - p); k = p - g; e = ((h * g - w) + h * k + l * g) + l * k;"
        "d = remainder(w, 1); m = where(abs(d) == 0.5 and e > 0, w + 0.5,"
        " where(abs(d) == 0.5 and e < 0, w - 0.5, w - d));"
        "where(y < 0 and abs(x) < INF, copysign(x - remainder(x, p), x),"
        " where(abs(w) < 9007199254740992, copysign(m / p, x), x))"
    ),
    partials=("where(x == x, 0, x)", "0"),
    shown=("0", "0"),
    written="x to y digits",
    doc="Round to y digits after the point, half-way to the even one, as Python does.",
    domain="any x, y from −22 to 22; the derivative is taken as 0 at the jumps too",
    source="Dekker, A floating-point technique for extending the available precision (products)",
    sample=((-9, 9), (2, 2)),
)
FLOORDIV = binary(
    "floordiv",
    by_hand=True,
    symbol="//",
    # as Python computes it: the rounded quotient alone may be one too many
    forward=(
        "m = fmod(x, y); d = (x - m) / y - where((m < 0 and y > 0) or (m > 0 and y < 0), 1, 0);"
        "where(y == 0, x / y, where(d == 0, copysign(0, x / y),"
        " where(d - floor(d) > 0.5, floor(d) + 1, floor(d))))"
    ),
    partials=("where(z == z, 0, z)", "where(z == z, 0, z)"),
    shown=("0", "0"),
    written="⌊x/y⌋",
    doc="Divide and round down to a whole number.",
    domain="any y; x//0 is x/0, infinite x give nan; the derivatives are 0, at the jumps too",
    sample=((-9, 9), (0.5, 3)),
)
MOD = binary(
    "mod",
    by_hand=True,
    symbol="%",
    forward=(
        "m = fmod(x, y);"
        "where(m == 0, copysign(0, y), where((m < 0 and y > 0) or (m > 0 and y < 0), m + y, m))"
    ),
    partials=("where(z == z, 1, z)", "where(z == z, -floordiv(x, y), z)"),
    shown=("1", "−floor(x/y)"),
    written="x − y·⌊x/y⌋",
    doc="Return what is left of x after taking away y as often as it fits, with the sign of y.",
    domain="y = 0 and infinite x give nan; the derivatives at the jumps are those to the right",
    sample=((-9, 9), (0.5, 3)),
)
FMOD = binary(
    "fmod",
    numpy=("fmod",),
    forward="fmod(x, y)",
    partials=("where(z == z, 1, z)", "(z - x) / y"),
    shown=("1", "−trunc(x/y)"),
    doc="Return what is left of x after taking away y as often as it fits, with the sign of x.",
    domain="y = 0 and infinite x give nan",
    sample=((-9, 9), (0.5, 3)),
)
REMAINDER = binary(
    "remainder",
    forward="remainder(x, y)",
    partials=("where(z == z, 1, z)", "(z - x) / y"),
    shown=("1", "(z−x)/y"),
    doc="Return the difference of x from the nearest multiple of y.",
    domain="y = 0 and infinite x give nan; half-way the even multiple counts",
    source="IEEE 754-2019, section 5.3.1 (remainder)",
    sample=((-9, 9), (0.5, 3)),
)
COPYSIGN = binary(
    "copysign",
    forward="copysign(x, y)",
    partials=("where(x == x, copysign(1, x) * copysign(1, y), x)", "0"),
    shown=("1 if x>=0 and y>=0 or x<0 and y<0 else −1", "0"),
    doc="Return the first operand with the sign of the second.",
    domain="any; −0 counts as negative",
    kink="x == 0 or y == 0",
    sample=((-9, 9), (-9, 9)),
)

# == choices ===========================================================================

MAXIMUM = binary(
    "maximum",
    commutes=True,
    symbol="max",
    forward="where(x > y, x, where(y >= x, y, x + y))",
    partials=(
        "where(x > y, 1, where(x < y, 0, where(x == y, 0.5, x + y)))",
        "where(y > x, 1, where(y < x, 0, where(x == y, 0.5, x + y)))",
    ),
    shown=("1 if x>y else ½ if x=y else 0", "1 if y>x else ½ if x=y else 0"),
    doc="Return the larger of two operands.",
    domain=(
        "any; equal operands get half of the gradient each, and in graphs of gradients the first"
        " all of it, as on one side: what is smooth on both has its second derivative, but"
        " maximum(x, y)**2 has those of x**2; a nan is never lost"
    ),
    kink="x == y",
    side="where(x >= y, x, y)",
    sample=((-9, 9), (-9, 9)),
)
MINIMUM = binary(
    "minimum",
    commutes=True,
    symbol="min",
    forward="where(x < y, x, where(y <= x, y, x + y))",
    partials=(
        "where(x < y, 1, where(x > y, 0, where(x == y, 0.5, x + y)))",
        "where(y < x, 1, where(y > x, 0, where(x == y, 0.5, x + y)))",
    ),
    shown=("1 if x<y else ½ if x=y else 0", "1 if y<x else ½ if x=y else 0"),
    doc="Return the smaller of two operands.",
    domain=(
        "any; equal operands get half of the gradient each, and in graphs of gradients the second"
        " all of it, as where maximum takes the first; a nan is never lost"
    ),
    kink="x == y",
    side="where(x < y, x, y)",
    sample=((-9, 9), (-9, 9)),
)
WHERE = binary(
    "where",
    symbol="where",
    forward="x",
    partials=("1", "0"),
    doc="Choose the first operand, as the condition was true.",
    helper=True,
    sample=((-9, 9), (-9, 9)),
)
OTHERWISE = binary(
    "otherwise",
    symbol="where",
    forward="y",
    partials=("0", "1"),
    doc="Choose the second operand, as the condition was false.",
    helper=True,
    sample=((-9, 9), (-9, 9)),
)

# what a comparison and `where` are on a tape, where both operands are computed in every lane
LESS = binary(
    "less",
    symbol="<",
    forward="where(x < y, 1, 0)",
    partials=("0", "0"),
    doc="Say whether the first operand is less than the second, by 1 or 0.",
    helper=True,
    sample=((-9, 9), (-9, 9)),
)
LESS_EQUAL = binary(
    "less_equal",
    symbol="≤",
    forward="where(x <= y, 1, 0)",
    partials=("0", "0"),
    doc="Say whether the first operand is at most the second, by 1 or 0.",
    helper=True,
    sample=((-9, 9), (-9, 9)),
)
EQUAL = binary(
    "equal",
    symbol="=",
    forward="where(x == y, 1, 0)",
    partials=("0", "0"),
    doc="Say whether both operands are equal, by 1 or 0.",
    helper=True,
    sample=((-9, 9), (-9, 9)),
)
KEEP = binary(
    "keep",
    symbol="keep",
    forward="where(y == 0, -0.0, x)",
    partials=("where(y == 0, 0, 1)", "0"),
    on_values=("equal(equal(y, 0), 0)", "0"),
    doc="Keep the first operand where the second is not 0; else it is -0, which adds nothing.",
    helper=True,
    sample=((-9, 9), (1, 9)),
)

NUMBERED = binary(
    "numbered",
    forward="x",
    partials=("0", "1"),
    doc="Return the first operand, with the derivatives of the second: a slope at a kink.",
    helper=True,
    sample=((-9, 9), (-9, 9)),
)

# == many operands, one node ===========================================================

SUM = many(
    "sum",
    commutes=True,
    symbol="Σ",
    forward="sum(x)",
    partials=("1",),
    definition="z + x",
    written="Σ x",
    doc="Add all operands, from left to right.",
    empty=True,
    sample=((-9, 9),),
)
MEAN = many(
    "mean",
    commutes=True,
    forward="sum(x) / n",
    partials=("1 / n",),
    definition="sum(x) / n",
    doc="Take the arithmetic mean.",
    sample=((-9, 9),),
)
DOT = many(
    "dot",
    symbol="·",
    lists=2,
    forward="sum(x * y)",
    partials=("y", "x"),
    definition="z + x * y",
    written="Σ x·y",
    doc="Add the products of two equally long lists.",
    source="Saito, Deep Learning from Scratch, section 5.6.1",
    empty=True,
    sample=((-9, 9), (-9, 9)),
)
MAX = many(
    "max",
    commutes=True,
    forward="max(x)",
    partials=("where(x == z, 1 / sum(where(x == z, 1, 0)), where(z == z, 0, z))",),
    shown=("1/s if x=z else 0",),
    definition="maximum(z, x)",
    written="max(x)",
    doc="Return the largest operand.",
    domain=(
        "any; s equal operands get 1/s of the gradient each, and in graphs of gradients the first"
        " of them all of it, as on one side; a nan is never lost"
    ),
    kink="sum(where(x == z, 1, 0)) > 1",
    side="where(z >= x, z, x)",
    sample=((-9, 9),),
)
MIN = many(
    "min",
    commutes=True,
    forward="min(x)",
    partials=("where(x == z, 1 / sum(where(x == z, 1, 0)), where(z == z, 0, z))",),
    shown=("1/s if x=z else 0",),
    definition="minimum(z, x)",
    written="min(x)",
    doc="Return the smallest operand.",
    domain=(
        "any; s equal operands get 1/s of the gradient each, and in graphs of gradients the last"
        " of them all of it, as on one side; a nan is never lost"
    ),
    kink="sum(where(x == z, 1, 0)) > 1",
    side="where(z < x, z, x)",
    sample=((-9, 9),),
)
LOGSUMEXP = many(
    "logsumexp",
    commutes=True,
    forward=("m = max(x); h = where(abs(m) < INF, m, 0); e = exp(x - h); t = sum(e); h + log(t)"),
    partials=("e / t",),
    shown=("exp(x−z)",),
    definition="log(sum(exp(x)))",
    written="log Σ exp(x)",
    doc="Take the logarithm of the sum of exponentials, shifted by the maximum.",
    sample=((-9, 9),),
)
SOFTMAX = many(
    "softmax",
    forward="m = max(x); h = where(abs(m) < INF, m, 0); e = exp(x - h); e / sum(e)",
    partials=("z * (own - s)",),
    shown=("z(1−z), but −z·s for the x of another result s",),
    definition="_e = exp(x); S = sum(_e); _r = 1 / S; _e * _r",
    written="exp(x) / Σ exp(x)",
    doc="Turn scores into probabilities, one node a probability.",
    source="Saito, Deep Learning from Scratch, section 5.6.3",
    sample=((-9, 9),),
)
LOG_SOFTMAX = many(
    "log_softmax",
    forward=("m = max(x); h = where(abs(m) < INF, m, 0); l = log(sum(exp(x - h))); (x - h) - l"),
    partials=("own - exp(s)",),
    shown=("1−exp(z), but −exp(s) for the x of another result s",),
    definition="_l = log(sum(exp(x))); x - _l",
    written="x − log Σ exp(x)",
    doc="Take the logarithm of the softmax, one node an entry.",
    sample=((-9, 9),),
)

NORM = many(
    "norm",
    helper=True,
    commutes=True,
    forward=(
        "m = max(where(x == x, abs(x), 0)); h = where(m > 0 and m < INF, m, 1);"
        "where(m == INF, INF, h * sqrt(sum((x / h) * (x / h))))"
    ),
    partials=("where(z == 0, 0, x / z)",),
    shown=("x/z",),
    definition="sqrt(sum(x * x))",
    written="√Σ x²",
    doc="Compute the length of a vector without overflow on the way.",
    domain="any; the derivatives at 0 are taken as 0, those of higher orders too",
    kink="z == 0",
    sample=((-9, 9),),
)

# == losses, one node a sample =========================================================

MSE = many(
    "mse",
    by_hand=True,
    lists=2,
    forward="sum((x - y) * (x - y)) / n",
    partials=("2 * (x - y) / n", "2 * (y - x) / n"),
    definition="sum(pow(x - y, 2)) / n",
    written="Σ (x − y)² / n",
    doc="Take the mean squared error.",
    sample=((-9, 9), (-9, 9)),
)
MAE = many(
    "mae",
    by_hand=True,
    lists=2,
    forward="sum(abs(x - y)) / n",
    partials=("sign(x - y) / n", "sign(y - x) / n"),
    definition="sum(abs(x - y)) / n",
    written="Σ |x − y| / n",
    doc="Take the mean absolute error.",
    domain="any; where both agree the derivative is taken as that of abs at 0",
    kink="sum(where(x == y, 1, 0)) > 0",
    side="sum((x - y) * copysign(1, x - y)) / n",
    sample=((-9, 9), (-9, 9)),
)
HINGE = many(
    "hinge",
    by_hand=True,
    lists=2,
    forward="sum(relu(1 - y * x)) / n",
    partials=(
        "where(y * x < 1, -y / n, where(y * x >= 1, 0, y * x))",
        "where(y * x < 1, -x / n, where(y * x >= 1, 0, y * x))",
    ),
    shown=("−y/n if y·x<1 else 0", "−x/n if y·x<1 else 0"),
    definition="sum(relu(1 - y * x)) / n",
    written="Σ max(0, 1 − y·x) / n",
    doc="Take the mean of max(0, 1 − y·x) over scores x and labels y = ±1.",
    source="Cortes, Vapnik, Support-Vector Networks (soft margin)",
    kink="sum(where(y * x == 1, 1, 0)) > 0",
    sample=((-9, 9), (-1, 1)),
)
CROSS_ENTROPY = many(
    "cross_entropy",
    by_hand=True,
    symbol="CE",
    lists=2,
    forward=(
        "m = max(x); h = where(abs(m) < INF, m, 0); e = exp(x - h); t = sum(e); l = log(t);"
        "sum(where(y == 0, 0, y * (l - (x - h))))"
    ),
    partials=("e / t * sum(y) - y", "l - (x - h)"),
    shown=("softmax(x)·sum(y) − y", "−log(softmax(x))"),
    definition=("_e = exp(x); S = sum(_e); _r = 1 / S; y_ = _e * _r; sum(y * log(y_)) * -1"),
    written="−Σ y·log softmax(x)",
    doc="Take the cross entropy of softmax(x) under the target probabilities y.",
    source="Saito, Deep Learning from Scratch, section 5.6.3 and appendix A",
    sample=((-9, 9), (0.05, 1)),
)
BCE = many(
    "binary_cross_entropy_with_logits",
    by_hand=True,
    symbol="BCE",
    lists=2,
    forward="sum(where(x > 0, x, 0) - x * y + log1p(exp(-abs(x)))) / n",
    partials=("(sigmoid(x) - y) / n", "-x / n"),
    shown=("(sigmoid(x) − y)/n", "−x/n"),
    definition="sum(softplus(x) - x * y) / n",
    written="−Σ (y·log sigmoid(x) + (1 − y)·log sigmoid(−x)) / n",
    doc="Take the mean binary cross entropy of sigmoid(x) under the targets y.",
    sample=((-9, 9), (0, 1)),
)
