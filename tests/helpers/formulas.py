"""Sixty formulas of textbooks, as a teacher would type them, with numbers for their names.

They were written down before the pictures that are to show them.
"""

from __future__ import annotations

from typing import NamedTuple


class Formula(NamedTuple):
    """A formula as it is typed, and where it is drawn."""

    text: str
    values: dict[str, float]

    @property
    def command(self) -> str:
        """How it stands on the command line."""
        return f'"{self.text}" ' + " ".join(f"{name}={x!r}" for name, x in self.values.items())


def at(text: str, **values: float) -> Formula:
    return Formula(text, values)


MECHANICS = {
    "fall": at("h_0 + v_0*t - g*t**2/2", h_0=20, v_0=3, t=1.5, g=9.81),
    "pendulum": at("2*pi*sqrt(l/g)", l=0.8, g=9.81),
    "kinetic and potential energy": at("m*v**2/2 + m*g*h", m=2, v=3, g=9.81, h=5),
    "gravitation": at("G*m1*m2/r**2", G=6.674e-11, m1=5.97e24, m2=80, r=6.371e6),
    "damped oscillation": at(
        "A*exp(-gamma*t)*cos(omega*t + phi)", A=0.1, gamma=0.3, t=2, omega=5, phi=0.5
    ),
    "lorentz factor": at("1/sqrt(1 - (v/c)**2)", v=1.8e8, c=2.998e8),
    "escape velocity": at("(2*G*M/R)**0.5", G=6.674e-11, M=7.35e22, R=1.737e6),
    "centre of mass": at("(m1*x1 + m2*x2)/(m1 + m2)", m1=2, x1=-1, m2=3, x2=4),
    "inclined plane": at("m*g*(sin(alpha) - mu*cos(alpha))", m=5, g=9.81, alpha=0.5, mu=0.2),
    "van der waals": at(
        "n*R*T/(V - n*b) - a*n**2/V**2", n=1, R=8.314, T=300, V=1e-3, b=4.3e-5, a=0.364
    ),
    "lennard-jones": at("4*epsilon*((sigma/r)**12 - (sigma/r)**6)", epsilon=0.5, sigma=1, r=1.2),
}

ELECTRICITY_LIGHT_HEAT = {
    "parallel resistors": at("1/(1/R_1 + 1/R_2 + 1/R_3)", R_1=100, R_2=220, R_3=470),
    "capacitor": at("U_0*(1 - e**(-t/(R*C)))", U_0=5, t=1e-3, R=1e3, C=1e-6),
    "impedance": at("sqrt(R**2 + (omega*L - 1/(omega*C))**2)", R=50, omega=1000, L=0.1, C=2e-5),
    "coulomb": at("q_1*q_2/(4*pi*epsilon_0*r**2)", q_1=1e-6, q_2=-2e-6, epsilon_0=8.854e-12, r=0.3),
    "thin lens": at("1/(1/f - 1/g)", f=0.05, g=0.2),
    "snell": at("asin(n1/n2*sin(theta))", n1=1, n2=1.5, theta=0.7),
    "planck": at(
        "2*h*c**2/lambda**5/(exp(h*c/(lambda*k*T)) - 1)",
        h=6.626e-34,
        c=2.998e8,
        k=1.381e-23,
        T=5800,
        **{"lambda": 5e-7},
    ),
    "radiation": at(
        "epsilon*sigma*A*(T**4 - T_0**4)", epsilon=0.9, sigma=5.67e-8, A=2, T=310, T_0=290
    ),
    "decibels": at("10*log10(I/1e-12)", I=3e-5),
}

CHEMISTRY_LIFE = {
    "arrhenius": at("A*exp(-E_a/(R*T))", A=1e13, E_a=75e3, R=8.314, T=298),
    "michaelis-menten": at("V_max*S/(K_m + S)", V_max=2.5, S=0.8, K_m=0.4),
    "henderson-hasselbalch": at("pK_a + log10(A/HA)", pK_a=4.76, A=0.1, HA=0.25),
    "nernst": at("E_0 - R*T/(z*F)*log(Q)", E_0=1.1, R=8.314, T=298, z=2, F=96485, Q=10),
    "half-life": at("N_0*(1/2)**(t/T)", N_0=1000, t=12, T=5.7),
    "logistic growth": at("K/(1 + (K - P_0)/P_0*e**(-r*t))", K=500, P_0=20, r=0.4, t=6),
    "hill": at("x**n/(K**n + x**n)", x=2, n=2.5, K=1.5),
    "predator and prey": at("alpha*x - beta*x*y", alpha=1.1, x=10, beta=0.4, y=5),
}

MONEY = {
    "compound interest": at("P*(1 + r/n)**(n*t)", P=1000, r=0.05, n=12, t=10),
    "annuity": at("K*q**n*(q - 1)/(q**n - 1)", K=200000, q=1.03, n=25),
    "present value": at("c/(1+r) + c/(1+r)**2 + (c+F)/(1+r)**3", c=5, r=0.04, F=100),
    "two assets": at(
        "sqrt(w**2*s1**2 + (1-w)**2*s2**2 + 2*w*(1-w)*rho*s1*s2)", w=0.4, s1=0.2, s2=0.1, rho=0.3
    ),
    "call at expiry": at("max(S - K, 0) - C", S=105, K=100, C=3.2),
    "cobb-douglas": at("A*L**(2/3)*K**(1/3)", A=1.2, L=64, K=27),
}

STATISTICS = {
    "normal density": at(
        "1/(sigma*sqrt(2*pi))*exp(-(x - mu)**2/(2*sigma**2))", sigma=2, x=3, mu=1.5
    ),
    "t statistic": at("(xbar - mu_0)/(s/sqrt(n))", xbar=5.3, mu_0=5, s=0.8, n=16),
    "pooled variance": at(
        "((n1-1)*s1**2 + (n2-1)*s2**2)/(n1 + n2 - 2)", n1=12, s1=1.5, n2=9, s2=2.1
    ),
    "variance of three": at("((a-m)**2 + (b-m)**2 + (c-m)**2)/3", a=1, b=4, c=5.5, m=3.5),
    "bernoulli likelihood": at("k*log(p) + (n - k)*log(1 - p)", k=7, p=0.6, n=10),
    "entropy of a coin": at("-p*log2(p) - (1-p)*log2(1-p)", p=0.3),
    "poisson": at("lam**3*e**-lam/6", lam=2.5),
    "slope": at("(n*Sxy - Sx*Sy)/(n*Sxx - Sx**2)", n=5, Sxy=66, Sx=15, Sy=20, Sxx=55),
}

GEOMETRY_CALCULUS = {
    "distance": at("sqrt((x1 - x2)**2 + (y1 - y2)**2)", x1=1, x2=4, y1=-2, y2=2.5),
    "heron": at("sqrt((a+b+c)/2*(b+c-a)/2*(a+c-b)/2*(a+b-c)/2)", a=3, b=4, c=6),
    "cone": at("pi*r**2*h/3 + 2/3*pi*r**3", r=1.5, h=4),
    "quadratic formula": at("(-b + sqrt(b**2 - 4*a*c))/(2*a)", a=1, b=-5, c=3),
    "distance of a point from a line": at(
        "abs(a*x_0 + b*y_0 + c)/sqrt(a**2 + b**2)", a=3, x_0=2, b=-4, y_0=5, c=1
    ),
    "chain rule exercise": at("sin(x**2)*e**(-x/3)", x=1.2),
    "quotient rule exercise": at("(x**2 + 1)/(x**3 - x)", x=2),
    "cube root": at("x**(1/3) + 1/x**2 - 5", x=8),
    "tower": at("x**y - y**x", x=3, y=2),
    "difference quotient": at("((x + 1e-3)**2 - x**2)/1e-3", x=2),
    "simpson": at("h/6*(y0 + 4*y1 + y2)", h=0.5, y0=1, y1=0.8, y2=0.5),
}

LEARNING = {
    "neuron": at("tanh(w_1*x_1 + w_2*x_2 + b)", w_1=-3, x_1=2, w_2=1, x_2=0.5, b=6.9),
    "two neurons in a row": at(
        "sigmoid(W_21*relu(W_11*x1 + b_1) + b_2)", W_21=1.5, W_11=0.8, x1=2, b_1=-0.5, b_2=0.1
    ),
    "cross entropy of a probability": at("-(t*log(y) + (1 - t)*log(1 - y))", t=1, y=0.8),
    "ridge of one weight": at(
        "sum((y1 - w*x1)**2, (y2 - w*x2)**2)/2 + alpha*w**2",
        y1=2,
        w=0.9,
        x1=1,
        y2=3,
        x2=2,
        alpha=0.1,
    ),
    "hinge with margin": at("max(0, 1 - t*(w*x + b)) + w**2/100", t=-1, w=0.5, x=1.5, b=0.2),
    "batch norm of one": at(
        "gamma*(x - mu)/sqrt(var + 1e-5) + beta", gamma=1.2, x=2, mu=0.5, var=1.6, beta=-0.3
    ),
    "adam step": at(
        "w - eta*m/(1 - 0.9**t)/(sqrt(v/(1 - 0.999**t)) + 1e-8)",
        w=1,
        eta=0.001,
        m=0.02,
        t=3,
        v=4e-4,
    ),
}

FORMULAS = {
    **MECHANICS,
    **ELECTRICITY_LIGHT_HEAT,
    **CHEMISTRY_LIFE,
    **MONEY,
    **STATISTICS,
    **GEOMETRY_CALCULUS,
    **LEARNING,
}
