"""A batch cut into shards for many processes, here or on other machines, handed out by dask.

A compiled function is recorded here and travels to the workers in a pickle; they only replay it.
First come options: a worker draws its shard from a seed and returns sums. Then steps of a network:
each worker takes a part of the batch and returns its gradient. So small a network is not worth the
sending; what counts is that the gradients agree. What a worker was doing when it died, dask gives
to another.

    python many_machines.py [scenarios [address]]

Without an address, two workers start on this machine. With one, those that joined the scheduler
there do the work: run `dask scheduler`, and `dask worker ADDRESS --nthreads 1` on each machine.
"""

import os
import signal
import sys
from time import perf_counter

import scalargrad as sg

try:
    import numpy as np
    from dask.distributed import Client, as_completed
except ImportError:
    print('many_machines: needs dask; run: python3 -m pip install ".[cluster]" in the checkout')
    sys.exit()
from black_scholes import call_price  # which asks for NumPy by its own name

SCENARIOS, SHARD = 10**7, 250_000
STEPS, BATCH, RATE = 30, 1000, 0.1


# -- options --------------------------------------------------------------------------------


def price_shard(index, size, f):
    """Draw one shard of scenarios; return the sums of their prices and of each Greek."""
    draw = np.random.default_rng([0, index])  # the same numbers, whoever draws them
    lowest, highest = np.array([(80, 120), (80, 120), (0.1, 0.5), (0.0, 0.08), (0.1, 2.0)]).T
    columns = draw.uniform(lowest, highest, (size, 5)).T
    price, greeks = f.value_and_grad(*columns)
    return np.array([column.sum() for column in (price, *greeks)])


def price_all(client, f, sizes, after_shard):
    """Return the sums over all shards, added in their order, whoever computed them."""
    shards = client.map(price_shard, range(len(sizes)), sizes, f=f, pure=False)
    for done, _ in enumerate(as_completed(shards), 1):
        after_shard(done, len(shards))
    return sum(client.gather(shards))


def show_progress(done, count):
    """Write a line over and over."""
    print(f"{done} of {count} shards", end="\r" if done < count else "\n", flush=True)


def options(client, scenarios):
    """Price many options, and print the mean of the prices and of each Greek."""
    f = sg.compile(call_price)
    f(100.0, 100.0, 0.2, 0.05, 1.0)  # records; the workers need not
    sizes = [min(SHARD, scenarios - start) for start in range(0, scenarios, SHARD)]
    start = perf_counter()
    means = price_all(client, f, sizes, show_progress) / scenarios
    seconds = perf_counter() - start
    print(f"{scenarios:,} options in {seconds:.1f} s, {seconds / scenarios * 1e9:.0f} ns each")
    names = "price", "delta", "by strike", "vega", "rho", "by years"
    pairs = zip(names, means, strict=True)
    print("means:", ", ".join(f"{name} {mean:.4f}" for name, mean in pairs))


# -- a network ------------------------------------------------------------------------------


def gradient(f, numbers, x, t):
    """Return loss and gradient, summed over a part of a batch, where the parameters are numbers."""
    parameters = f.tape.captured  # the Values that f found outside; a worker has copies of them
    for parameter, number in zip(parameters, numbers.tolist(), strict=True):
        parameter.data, parameter.grad = number, 0.0
    loss = f.backward(x, t, reduction="sum")
    return loss, np.array([parameter.grad for parameter in parameters])


def itself(f):
    """Return f: the result of a task is computed again where it was lost, scattered data is not."""
    return f


def gradient_by_all(client, f, numbers, x, t, workers):
    """Return the same for the whole batch, of which each worker takes a part."""
    parts = np.array_split(x, workers), np.array_split(t, workers)
    results = client.map(gradient, [f] * workers, [numbers] * workers, *parts, pure=False)
    losses, gradients = zip(*client.gather(results), strict=True)
    return sum(losses), sum(gradients)


def samples():
    """Return MNIST and the size of a hidden layer; where it is not to be found, noise."""
    if os.environ.get("SCALARGRAD_MNIST"):
        try:
            return *sg.datasets.mnist()[0], 50
        except (sg.ScalargradError, OSError) as error:
            sys.exit(f"many_machines: {error}")
    print("no MNIST, as SCALARGRAD_MNIST names no folder: a small network learns noise instead")
    draw = np.random.default_rng(seed=0)
    return draw.normal(size=(BATCH, 20)), draw.integers(0, 10, BATCH), 8


def learn(client, workers):
    """Take steps of gradient descent; compare each gradient with that of this process alone."""
    x, t, hidden = samples()
    net = sg.nn.TwoLayerNet(x.shape[1], hidden, 10, weight_init_std="he", seed=0)
    f = sg.compile(net.loss)
    f(x[:1], t[:1])
    sent = client.submit(itself, f, pure=False)  # once; workers get it from each other
    numbers = np.array([parameter.data for parameter in f.tape.captured])
    draw, times, differences = np.random.default_rng(seed=0), [], []
    print(f"{len(numbers)} parameters; batches of {BATCH}, in {workers} parts")
    for step in range(1, STEPS + 1):
        rows = draw.integers(0, len(x), BATCH)
        start = perf_counter()
        loss, summed = gradient_by_all(client, sent, numbers, x[rows], t[rows], workers)
        middle = perf_counter()
        _, alone = gradient(f, numbers, x[rows], t[rows])
        times.append((middle - start, perf_counter() - middle))
        differences.append(np.abs(summed - alone).max() / np.abs(alone).max())
        numbers = numbers - RATE * summed / BATCH
        if step in (1, STEPS):
            print(f"step {step}: loss {loss / BATCH:.4f}")
    by_all, by_one = np.median(times, axis=0) * 1e3
    print(f"a gradient takes {by_all:.0f} ms, in this process alone {by_one:.0f} ms")
    print(f"largest relative difference between the two {max(differences):.0e}")


# -- both -----------------------------------------------------------------------------------


def command_line(arguments):
    """Read how many scenarios to price, and the address, or stop with what is wrong."""
    if {"-h", "--help"} & {*arguments}:
        print(__doc__)
        sys.exit()
    given, *address = arguments or [SCENARIOS]
    try:
        scenarios = int(given)
    except ValueError:
        scenarios = 0
    if scenarios < 1 or len(address) > 1:
        refusal = "wants a number of scenarios, at least 1, and perhaps an address"
        got = " ".join(arguments)
        print(f"many_machines: {refusal}; got {got!r}; pass e.g. 10000000", file=sys.stderr)
        sys.exit(2)
    return scenarios, *address


def connected(address):
    """Return a client of the scheduler at an address, or of two workers started here."""
    if not address:
        handler = signal.signal(
            signal.SIGINT, signal.SIG_IGN
        )  # workers inherit it: they end with us
        try:
            return Client(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0")
        finally:
            signal.signal(signal.SIGINT, handler)
    try:
        return Client(address, timeout=10)
    except (OSError, ValueError) as error:
        sys.exit(f"many_machines: {error}")


def main(scenarios, address=None):
    with connected(address) as client:
        threads = client.nthreads()
        if {*threads.values()} != {1}:  # threads would share the copies of the parameters
            sys.exit("many_machines: wants workers of one thread; start them with --nthreads 1")
        options(client, scenarios)
        learn(client, len(threads))


if __name__ == "__main__":
    try:
        main(*command_line(sys.argv[1:]))
    except KeyboardInterrupt:
        print("many_machines: interrupted", file=sys.stderr)
        sys.exit(130)
