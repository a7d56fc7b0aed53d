"""Compiled functions outside of the package: as C, built and run; as Python; as SymPy and LaTeX."""

import ctypes
import dataclasses
import itertools
import math
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import autograd_lite as ag
from autograd_lite import Op, Value, grad, jit, pytree, value_and_grad
from autograd_lite.core import ops
from autograd_lite.errors import ArgumentError, MissingDependencyError, TracingError
from autograd_lite.jit.backends import python as python_back_end
from autograd_lite.jit.program import Guard, Instruction, Program
from autograd_lite.ops import primitives
from autograd_lite.testing.strategies import OPERATIONS, programs
from tests.test_ops import POINTS

COMPILER = shutil.which("cc") or shutil.which("gcc")
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-ffp-contract=off"]
needs_compiler = pytest.mark.skipif(COMPILER is None or sys.platform == "win32", reason="there is no C compiler here")

#: What Python computes with code of its own, so that C has no such function.
WITHOUT_C = {
    "gamma", "lgamma", "digamma", "polygamma", "polygamma_difference", "betaln", "norm_ppf", "erfinv",
}  # fmt: skip
TABLE = {**primitives, "strong_mul": ops.strong_mul, "strong_zero": ops.strong_zero}
EDGES = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    2.0,
    -3.0,
    0.75,
    37.5,
    800.0,
    -800.0,
    1e16,
    1e200,
    1e308,
    5e-324,
    1e-310,
    inf,
    -inf,
    nan,
)


def shown(numbers: Iterable[float]) -> list[str]:
    """Each number to the bit, but for the sign of a nan."""
    return [float(x).hex() for x in numbers]


def merged(many: Iterable[Program], inputs: int) -> Program:
    """One program that does what many do, on the same inputs."""
    instructions: list[Instruction] = []
    outputs: list[int | float] = []
    for program in many:
        count, shift = len(program.inputs), inputs + len(instructions)

        def placed(operand: int | float, count: int = count, shift: int = shift) -> int | float:
            return operand if type(operand) is float or operand < count else int(operand) - count + shift

        instructions += [Instruction(op, tuple(map(placed, operands))) for op, operands in program.instructions]
        outputs += map(placed, program.outputs)
    return Program("merged", tuple(f"x{i}" for i in range(inputs)), tuple(instructions), tuple(outputs))


def of_primitives(wanted: Iterable[Op], operands: tuple[int | float, ...] = (0, 1, 2)) -> Program:
    """A program that applies each on as many of its three inputs as it takes; n-ary ones on all."""
    made = [Instruction(op, operands[: op.arity] if op is not ops.dot else (0, 1, 2, 0)) for op in wanted]
    return Program("all", ("x", "y", "z"), tuple(made), tuple(range(3, 3 + len(made))))


def built(program: Program, folder: Path, *flags: str) -> Callable[..., Any]:
    """The program as C, compiled and loaded: a function that gives its outputs, or what it returns if that is not 0."""
    code = program.to_c("exported")
    code.write(folder)
    library = folder / "exported.so"
    command = [COMPILER or "", *FLAGS, *flags, "-shared", "-fPIC", "exported.c", "-o", str(library), "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    function = ctypes.CDLL(str(library)).exported
    count = len(program.outputs)
    takes_array = "const double *inputs" in code.header
    function.argtypes = (
        [ctypes.c_void_p] * 2 if takes_array else [*[ctypes.c_double] * len(program.inputs), ctypes.c_void_p]
    )

    def run(*numbers: float) -> Any:
        outputs = (ctypes.c_double * max(count, 1))(*[123.0] * count)
        array = (ctypes.c_double * max(len(numbers), 1))(*numbers)
        failed = function(*([array] if takes_array else numbers), outputs)
        assert not failed or set(outputs) <= {123.0, 0.0}
        return failed or tuple(outputs)[:count]

    return run


def executed(text: str, name: str) -> Callable[..., Any]:
    """The function of that name of a Python text, which runs without the package."""
    assert "autograd_lite" not in "".join(line for line in text.splitlines() if not line.startswith("#"))
    names: dict[str, Any] = {"__name__": "exported"}
    exec(text, names)
    return names[name]  # type: ignore[no-any-return]


# ---- Every primitive ----------------------------------------------------------------------


def points() -> list[tuple[float, ...]]:
    """Triples of numbers at which formulas change, C and Python part, or floats end; and many ordinary ones."""
    draws = random.Random(0)
    found: list[tuple[float, ...]] = [(x, y, draws.choice(EDGES)) for x, y in itertools.product(EDGES, repeat=2)]
    found += [tuple((*point, 0.5, 2.0)[:3]) for many in POINTS.values() for point in many if point]
    return found + [tuple(draws.gauss(0.0, 2.0) for _ in range(3)) for _ in range(300)]


def powers_and_slopes() -> Program:
    """Operations with a constant, which a compiler might compute in another way."""
    made = [Instruction(ops.constant_power, (0, n)) for n in (2.0, 3.0, 4.0, 1.0, -1.0, -2.0, 0.0, 5.0, 0.5, -1.5, inf)]
    made += [Instruction(ops.power, (0, n)) for n in (2.0, -1.0, 0.5, 1.0, 3.0)]
    made += [Instruction(ops.power, (n, 0)) for n in (2.0, 10.0, 0.0, -1.0)]
    made += [Instruction(op, (0, 1.5)) for op in (ops.leaky_relu, ops.elu, ops.xlogy, ops.mod, ops.atan2, ops.maximum)]
    made += [Instruction(op, (-0.1, 0)) for op in (ops.sub, ops.div, ops.xlogy, ops.logaddexp, ops.floordiv, ops.hypot)]
    made += [Instruction(ops.round_, (0, 0.0)), Instruction(ops.log, (3.0,)), Instruction(ops.mul, (0, nan))]
    return Program("constants", ("x", "y", "z"), tuple(made), (*range(3, 3 + len(made)), 0, -0.0, inf))


@needs_compiler
def test_every_primitive_has_the_same_bits_in_c(tmp_path: Path) -> None:
    in_c = [op for name, op in TABLE.items() if name not in WITHOUT_C and op is not ops.round_]
    program = merged([of_primitives(dict.fromkeys(in_c)), powers_and_slopes()], 3)
    run = built(program, tmp_path, "-O2")
    for point in points():
        assert shown(run(*point)) == shown(program(*point)), point


def test_every_primitive_has_the_same_bits_in_python() -> None:
    in_python = [op for name, op in TABLE.items() if not name.startswith("polygamma")]
    polygamma = [Instruction(ops.polygamma, (n, 0)) for n in (0.0, 1.0, 2.0)]
    polygamma += [Instruction(ops.polygamma_difference, (1.0, 0, 1)), Instruction(ops.round_, (0, 1.0))]
    special = Program("special", ("x", "y", "z"), tuple(polygamma), tuple(range(3, 8)))
    program = merged([of_primitives(dict.fromkeys(in_python), (0, 1, 2)), powers_and_slopes(), special], 3)
    run = executed(program.to_python("f"), "f")
    for point in points()[::3]:
        if abs(point[1]) < 300.0:  # decimals to round to
            assert shown(run(*point)) == shown(program(*point)), point


@pytest.mark.parametrize("name", sorted(WITHOUT_C))
def test_what_c_has_no_function_for_is_refused_by_name(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"'{name}'"):
        of_primitives([TABLE[name]]).to_c("f")


@needs_compiler
def test_hypot_has_the_bits_of_pythons(tmp_path: Path) -> None:
    draws = random.Random(1)
    made = [Instruction(ops.hypot, tuple(range(n))) for n in range(1, 6)]
    program = Program("f", tuple("uvwxy"), tuple(made), tuple(range(5, 10)))
    run = built(program, tmp_path, "-O2")
    for scale in (1.0, 1e-160, 1e150, 1e-295, 1e308):
        for _ in range(450):
            point = [draws.gauss(0.0, 1.0) * scale * 10.0 ** draws.randint(-9, 0) for _ in range(5)]
            assert shown(run(*point)) == shown(program(*point)), point


# ---- Programs -----------------------------------------------------------------------------


def recorded(f: Callable[..., Any], *args: Any) -> Program:
    fast = jit(f)
    fast(*args)
    return fast.program


@pytest.fixture(scope="module")
def drawn() -> Program:
    """Many random programs and their gradients, as one program of three inputs."""
    found: list[Program] = []

    @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(programs(ops=[name for name in OPERATIONS if name != "lgamma"], max_ops=12))
    def collect(program: Any) -> None:
        def listwise(x: Any) -> Any:
            return program(*x)

        found.extend(recorded(f, [0.5] * program.inputs) for f in (listwise, value_and_grad(listwise)))

    collect()
    assert max(map(len, found)) > 15
    return merged(found, 3)


@needs_compiler
def test_random_programs_and_their_gradients_in_c(drawn: Program, tmp_path: Path) -> None:
    run = built(drawn, tmp_path, "-O1")
    for point in points()[::3]:
        assert shown(run(*point)) == shown(drawn(*point)), point


def test_random_programs_and_their_gradients_in_python(drawn: Program) -> None:
    run = executed(drawn.to_python(), "merged")
    for point in points()[::9]:
        assert shown(run(*point)) == shown(drawn(*point)), point


def clamped(x: float, y: float) -> Any:
    if x > 2.0:
        return 2.0 * y
    return x * y if x != y else x


GUARDED = [((1.0, 2.0), 0), ((3.0, 2.0), 1), ((1.0, 1.0), 2), ((nan, 1.0), 0), ((inf, inf), 1)]


@needs_compiler
def test_in_c_a_comparison_that_comes_out_otherwise_is_a_number_and_no_answer(tmp_path: Path) -> None:
    run = built(recorded(clamped, 1.0, 2.0), tmp_path)
    for point, failed in GUARDED:
        answer = run(*point)
        assert answer == failed if failed else shown(answer) == shown([clamped(*point)])


def test_in_python_a_comparison_that_comes_out_otherwise_is_an_error_that_names_it() -> None:
    run = executed(recorded(clamped, 1.0, 2.0).to_python(), "clamped")
    for point, failed in GUARDED:
        if failed:
            with pytest.raises(ValueError, match=[r"x > 2.0 is False", r"x != y is True"][failed - 1]):
                run(*point)
        else:
            assert shown(run(*point)) == shown([clamped(*point)])
    assert run(1, 2) == (2.0,)


#: Names that C, Python or the text itself has a use for, of the inputs of a program.
NAMES = (
    "double", "exp", "y0", "v0", "s", "outputs", "main", "ag_relu", "k0", "t0", "lambda", "x[0]", "x_0", "x_0_", "ü",
    "a\n*/ b", "INFINITY", "float", "math", "inf", "piece_0", "relu", "relu_", "exp_", "self.w", "", "1", "__x", "near",
    "ValueError", "M_PI",
)  # fmt: skip


def of_names(names: tuple[str, ...]) -> Program:
    def f(*x: Any) -> Any:
        return [ag.exp(x[0]) ** 3.5 + ag.relu(x[1]), ag.hypot(*x), *x]

    return dataclasses.replace(recorded(f, *[0.5] * len(names)), name="f", inputs=names)


@needs_compiler
def test_inputs_of_any_name_in_c(tmp_path: Path) -> None:
    program = of_names(NAMES)
    numbers = [0.25 * i - 1.0 for i in range(len(NAMES))]
    assert shown(built(program, tmp_path)(*numbers)) == shown(program(*numbers))


def test_inputs_of_any_name_in_python() -> None:
    program = of_names(NAMES)
    numbers = [0.25 * i - 1.0 for i in range(len(NAMES))]
    assert shown(executed(program.to_python(), "f")(*numbers)) == shown(program(*numbers))


@pytest.mark.parametrize(
    "name", ["double", "exp", "y0", "", "1x", "a b", "ag_f", "main", "class", "f.c", 3, "math", "INFINITY", "ü"]
)
def test_a_name_that_c_has_a_use_for_is_refused(name: Any) -> None:
    with pytest.raises(ArgumentError, match="to_c needs a name"):
        recorded(clamped, 1.0, 2.0).to_c(name)


def test_a_name_that_python_has_a_use_for_is_refused_or_changed() -> None:
    for name in ("lambda", "a b", "", 3):
        with pytest.raises(ArgumentError, match="to_python needs a name"):
            recorded(clamped, 1.0, 2.0).to_python(name)  # type: ignore[arg-type]

    def sigmoid(x: Any) -> Any:
        return ag.silu(x)

    program = recorded(sigmoid, 1.0)
    assert executed(program.to_python(), "sigmoidx")(2.0) == (ag.silu(2.0),)
    with pytest.raises(ArgumentError, match="another name than 'sigmoid'"):
        program.to_python("sigmoid")


def long_program(x: list[Any]) -> Any:
    """More than a thousand instructions that reach far back, with a guard among the last."""
    kept = list(x)
    for i in range(450):
        kept.append(kept[-1] * 0.75 + kept[i // 2] * 0.25)
    return [kept[-1], kept[200]] if kept[-1] < 2.0 else [0.0, 0.0]


@needs_compiler
@pytest.mark.parametrize("count", [3, 200])
def test_long_programs_and_many_inputs_in_c(count: int, tmp_path: Path) -> None:
    x = [math.sin(i) for i in range(count)]
    program = recorded(long_program, x)
    assert "piece_2" in program.to_c("f").source
    run = built(program, tmp_path, "-O1")
    assert shown(run(*x)) == shown(program(*x)) == shown(long_program(x))
    assert run(*[3.0] * count) == 1


def test_long_programs_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_back_end, "PIECE", 300)
    x = [math.sin(i) for i in range(200)]
    text = recorded(long_program, x).to_python("f")
    assert "piece_1" in text
    assert shown(executed(text, "f")(*x)) == shown(long_program(x))
    with pytest.raises(ValueError, match="is True, and here it is False"):
        executed(text, "f")(*[3.0] * 200)


@needs_compiler
def test_sums_of_many_terms_in_c(tmp_path: Path) -> None:
    x = [math.sin(i) for i in range(450)]
    program = recorded(lambda x: [ag.sum(x), ag.mean(x), ag.dot(x, x[::-1]), ag.logsumexp(x)], x)
    assert shown(built(program, tmp_path)(*x)) == shown(program(*x))


# ---- What comes of a compiled function ----------------------------------------------------


WEIGHT = Value(0.5, name="w")


def neuron(x: list[Any]) -> Any:
    return {"value": ag.tanh(x[0] * WEIGHT), "rest": (x[1], 3.0)}


@needs_compiler
def test_the_files_build_and_the_example_prints_the_latest_answers(tmp_path: Path) -> None:
    fast = jit(value_and_grad(lambda x: ag.tanh(x[0] / 3.0) * x[1]))
    value, gradient = fast([0.1, -inf]), fast([0.7, 1e-300])
    assert value != gradient
    code = fast.to_c("loss")
    assert sorted(path.name for path in code.write(tmp_path)) == ["loss.c", "loss.h", "loss_main.c"]
    assert (tmp_path / "loss.c").read_text() == code.source == str(code)
    command = [COMPILER or "", *FLAGS, "-O2", "loss.c", "loss_main.c", "-o", "loss", "-lm"]
    subprocess.run(command, cwd=tmp_path, check=True)
    printed = subprocess.run([tmp_path / "loss"], capture_output=True, text=True, check=True).stdout
    value, gradient = fast([0.7, 1e-300])
    assert shown(map(float, printed.split())) == shown([value, *gradient])


@needs_compiler
def test_the_example_of_another_path_says_so(tmp_path: Path) -> None:
    recorded(clamped, 1.0, 2.0).to_c("f", [3.0, 2.0]).write(tmp_path)
    subprocess.run([COMPILER or "", *FLAGS, "f.c", "f_main.c", "-o", "f", "-lm"], cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "f"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "comparison 1" in done.stderr


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler here")
def test_it_is_cpp_too(tmp_path: Path) -> None:
    of_primitives([ops.hypot, ops.norm_cdf, ops.mod, ops.log_sum_exp]).to_c("f").write(tmp_path)
    flags = [flag for flag in FLAGS if not flag.startswith("-std")]
    subprocess.run(["g++", *flags, "-x", "c++", "f.c", "f_main.c", "-o", "f"], cwd=tmp_path, check=True)


@pytest.mark.parametrize("backend", ["python", "native", "vm", "auto"])
def test_what_leaves_the_package_does_not_depend_on_the_back_end(backend: str) -> None:
    f = value_and_grad(lambda x: ag.sqrt(x) * ag.where(x, ag.log(x), 0.0))
    fast = jit(f, backend=backend)
    try:
        fast(0.0), fast(1.0), fast(2.0)
    except MissingDependencyError:
        pytest.skip(f"there is no back end {backend} here")
    run = executed(fast.to_python("f"), "f")
    for x in (0.0, 2.0, inf, -1.0, nan):
        value, slope = f(x)
        assert shown(run(x)) == shown([value, slope])
    assert fast.to_c("f").source == recorded(f, 1.0).to_c("f").source


def test_comments_say_what_inputs_and_outputs_are() -> None:
    fast = jit(neuron)
    fast([1.0, 2.0])
    for text in (fast.to_c("f").header, fast.to_python()):
        for part in ("x[0]", "w", "result['value']", "result['rest'][0]", "gradient by w"):
            assert part in text
    fast([Value(1.0), 2.0])["value"].backward()
    assert "gradient by w" in fast.to_python()
    assert "x > 2.0 is false" in recorded(clamped, 1.0, 2.0).to_c("f").header


def test_before_the_first_call_there_is_nothing_to_export() -> None:
    fast = jit(clamped)
    for export in (lambda: fast.to_c("f"), fast.to_python, fast.to_latex, fast.to_sympy):
        with pytest.raises(TracingError, match="call it once"):
            export()


def test_what_cannot_leave_the_package_is_refused_by_name() -> None:
    cube = Op("cube", lambda x: x * x * x, lambda ans, x: (3 * x * x,))
    mine = recorded(lambda x: cube(x) + 1.0, 2.0)
    program = recorded(clamped, 1.0, 2.0)
    unknown = Program("f", ("x",), (("loop", 0),), (1,))  # type: ignore[arg-type]
    for read in (unknown.to_latex, unknown.to_sympy):
        with pytest.raises(ArgumentError, match=r"instruction of f: \('loop', 0\)"):
            read()
    for export in ("to_c", "to_python"):
        given = {"name": "f"}
        with pytest.raises(ArgumentError, match=f"{export}.*'cube'"):
            getattr(mine, export)(**given)
        with pytest.raises(ArgumentError, match=f"{export}.*'loop'"):
            getattr(unknown, export)(**given)
        checked = Program("f", program.inputs, program.instructions, program.outputs, program.guards, (0,))
        with pytest.raises(ArgumentError, match="fast form"):
            getattr(checked, export)(**given)


def test_numbers_for_the_example_are_as_many_as_there_are_inputs() -> None:
    with pytest.raises(ArgumentError, match="2 inputs, got 1"):
        recorded(clamped, 1.0, 2.0).to_c("f", [1.0])


def test_a_program_of_nothing() -> None:
    program = Program("f", (), (), (1.5,), (Guard(0, 0, "<", 1.0, 2.0, True),))
    assert executed(program.to_python(), "f")() == (1.5,)
    assert "outputs[0] = 1.5;" in program.to_c("f").source


# ---- For reading --------------------------------------------------------------------------


def test_latex_of_small_programs() -> None:
    table: dict[str, tuple[Callable[..., Any], tuple[Any, ...], str]] = {
        "fractions and roots": (
            lambda x, y: (x + y) / ag.sqrt(x) - x**3.0, (1.0, 2.0),
            r"f\left(x, y\right) = \frac{x + y}{\sqrt{x}} - x^{3}",
        ),
        "signs": (lambda x, y: -(x - y) * (x - (-y)), (1.0, 2.0),
                  r"f\left(x, y\right) = \left(-\left(x - y\right)\right) \left(x - \left(-y\right)\right)"),
        "constants": (lambda x: (x * -2.0 + 1e-5) * (x * math.pi), (1.0,),
                      r"f\left(x\right) = \left(x \left(-2\right) + 1 \cdot 10^{-5}\right) x \pi"),
        "names": (lambda alpha, rate, x: [alpha * rate, 2.0 * x[1]], (1.0, 2.0, [3.0, 4.0]),
                  "\\begin{aligned}\n"
                  "f_{1}\\left(\\alpha, \\mathrm{rate}, x_{0}, x_{1}\\right) &= \\alpha \\mathrm{rate} \\\\\n"
                  "f_{2}\\left(\\alpha, \\mathrm{rate}, x_{0}, x_{1}\\right) &= 2 x_{1}\n\\end{aligned}"),
        "branches": (lambda x: ag.where(ag.greater(x, 0.0), ag.exp(x), 2.0), (1.0,),
                     r"f\left(x\right) = \begin{cases} e^{x} & x > 0 \\ 2 & \text{otherwise} \end{cases}"),
        "sums": (lambda x: ag.dot(x, x) + ag.logsumexp(x), ([1.0, 2.0],),
                 r"f\left(x_{0}, x_{1}\right) = x_{0} x_{0} + x_{1} x_{1} + \ln\left(e^{x_{0}} + e^{x_{1}}\right)"),
    }  # fmt: skip
    for name, (f, args, expected) in table.items():
        fast = jit(f)
        fast(*pytree.map_leaves(Value, args))  # of floats, `/` would be a condition too: that it does not raise
        assert fast.to_latex("f") == expected, name


def test_latex_names_what_is_used_again_and_says_under_which_conditions() -> None:
    def f(x: Any, y: Any) -> Any:
        shared = ag.tanh(x * y + 1.0) * x
        return shared * shared + 1.0 / shared if x > 0.0 else ag.square(shared) ** 2.0

    fast = jit(f)
    fast(1.0, 2.0)
    assert fast.to_latex() == "\n".join([
        r"\begin{aligned}",
        r"f\left(x, y\right) &= v_{1} v_{1} + \frac{1}{v_{1}} \\",
        r"\text{where} \quad v_{1} &= \tanh\left(x y + 1\right) x \\",
        r"\text{if} \quad x &> 0 \\",
        r"\text{and} \quad v_{1} &\ne 0",
        r"\end{aligned}",
    ])  # fmt: skip
    fast(-1.0, 2.0)
    assert fast.to_latex().splitlines()[2:4] == [
        r"\text{if} \quad x &\not> 0 \\",
        r"\text{and} \quad \left(\left(\tanh\left(x y + 1\right) x\right)^{2}\right)^{2} &\text{ is finite}",
    ]


def test_latex_of_a_function_without_a_name_and_of_one_with_a_long_one() -> None:
    def loss_of(x: Any) -> Any:
        return x * 2.0

    for f, name in ((lambda x: x * 2.0, "f"), (loss_of, r"\mathrm{loss}_{\mathrm{of}}")):
        fast = jit(f)
        fast(1.0)
        assert fast.to_latex() == rf"{name}\left(x\right) = 2 x"


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_primitive_has_latex_with_balanced_brackets(name: str) -> None:
    text = of_primitives([TABLE[name]], (0, 1, 2)).to_latex()
    assert "None" not in text
    assert text.count("{") == text.count("}")
    assert text.count(r"\left") - text.count(r"\leftarrow") == text.count(r"\right")
    assert all(
        letter in text or name in {"no_slope", "strong_zero", "direction"} for letter in "xyz"[: TABLE[name].arity]
    )


def test_what_is_too_long_to_read_is_refused() -> None:
    program = recorded(long_program, [0.1, 0.2, 0.3])
    for export in (program.to_latex, program.to_sympy):
        with pytest.raises(ArgumentError, match="at most 300 instructions"):
            export()


def test_sympy_gives_the_structure_of_the_result_and_no_gradient() -> None:
    sympy = pytest.importorskip("sympy")
    x_0, w = sympy.Symbol("x_0", real=True), sympy.Symbol("w", real=True)
    fast = jit(neuron)
    fast([1.0, 2.0])
    result = fast.to_sympy()
    assert result == {"value": sympy.tanh(x_0 * w), "rest": (sympy.Symbol("x_1", real=True), 3.0)}
    halves: Any = jit(lambda x: (x, [x * 0.5 + 0.1, Value(2.0) * x]))
    halves(Value(3.0))
    x = sympy.Symbol("x", real=True)
    assert halves.to_sympy() == (x, [x / 2 + sympy.Float("0.1", 17), 2 * x])


@pytest.mark.parametrize("name", sorted(set(TABLE) - {"round", "no_slope"}))
def test_every_primitive_has_its_value_in_sympy(name: str) -> None:
    sympy = pytest.importorskip("sympy")
    program = of_primitives([TABLE[name]], (0, 1, 2))
    if name.startswith("polygamma"):
        program = of_primitives([TABLE[name]], (1.0, 1, 2))
    (expression,) = program.to_sympy()
    point = {"x": 0.3, "y": 0.7, "z": 0.45}
    if name == "acosh":
        point["x"] = 1.3
    if name == "direction":
        point["z"] = math.hypot(0.3, 0.7)
    given = {sympy.Symbol(letter, real=True): sympy.Rational(number) for letter, number in point.items()}
    value = sympy.sympify(expression).subs(given).evalf(30)
    assert math.isclose(value, program(*point.values())[0], rel_tol=1e-13, abs_tol=1e-300)


def test_sympy_takes_what_it_does_not_know_for_a_function_and_derives_the_rest() -> None:
    sympy = pytest.importorskip("sympy")
    cube = Op("cube", lambda x: x * x * x, lambda ans, x: (3 * x * x,))
    x = sympy.Symbol("x", real=True)
    (expression,) = recorded(lambda x: cube(x) + x, 2.0).to_sympy()
    assert expression == sympy.Function("cube", real=True)(x) + x

    def f(x: Any) -> Any:
        return ag.tanh(x) * x

    (value,), (slope,) = recorded(f, 2.0).to_sympy(), recorded(grad(f), 2.0).to_sympy()
    assert abs((value.diff(x) - slope).subs(x, 0.3).evalf()) < 1e-15


def test_sympy_refuses_what_would_be_too_long_written_out() -> None:
    pytest.importorskip("sympy")

    def doubled(x: Any) -> Any:
        for _ in range(40):
            x = x * x + x
        return x

    with pytest.raises(ArgumentError, match="writes out"):
        recorded(doubled, 0.1).to_sympy()
