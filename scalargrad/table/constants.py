"""The numbers that formulas may name."""

#: written out in full in the generated code
CONSTANTS = {
    "DEGREES": 57.29577951308232,  # in one radian
    "RADIANS": 0.017453292519943295,  # in one degree
    "HALVES": 3377699720527872.0,  # 1.5·2**51: to add it rounds to a multiple of ½
    "LN2": 0.6931471805599453,
    "ONE_OVER_LN2": 1.4426950408889634,
    "ONE_OVER_LN10": 0.4342944819032518,
    "SQRT_HALF": 0.7071067811865476,
    "SQRT_HALF_HIGH": 0.7071067839860916,  # the first 26 bits of √½, rounded, and what they lack
    "SQRT_HALF_LOW": -2.799544089368687e-09,
    "SQRT_2PI": 2.5066282746310007,
    "TWO_OVER_SQRT_PI": 1.1283791670955126,
    "ONE_OVER_SQRT_2PI": 0.3989422804014327,
}
