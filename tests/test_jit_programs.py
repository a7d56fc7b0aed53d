"""What jit makes: programs, passes, Python source, machine code."""

import copy
import dataclasses
import math
import random
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import Value, grad, jit, value_and_grad
from autograd_lite.core import ops
from autograd_lite.errors import ArgumentError, MissingDependencyError
from autograd_lite.jit import passes
from autograd_lite.jit.backends import deferred, llvm, native, vm
from autograd_lite.jit.backends import python as python_back_end
from autograd_lite.jit.backends.pieces import pieces_of
from autograd_lite.jit.program import Guard, Instruction, Program
from tests.test_jit import SPECIAL, bits
from tests.test_readme import ROOT, blocks

BACK_ENDS: dict[str, Any] = {"python": python_back_end.PythonCode, "native": native.NativeCode}
if vm.is_there():
    BACK_ENDS["vm"] = vm.VmCode


def program(*instructions: tuple[Any, ...], inputs: int = 2, outputs: Any = None, guards: Any = ()) -> Program:
    """A program of instructions written as (op, operand, ...); its output is the last unless it is said."""
    last = inputs + len(instructions) - 1
    made = tuple(Instruction(op, tuple(operands)) for op, *operands in instructions)
    names = tuple("xyzuvw"[:inputs])
    return Program("f", names, made, (last,) if outputs is None else tuple(outputs), tuple(guards))


def ran(made: Program) -> list[Any]:
    return [(i.op.name, *i.operands) for i in made.instructions]


# ---- Passes ----


def test_dead_code_goes_and_guards_keep_theirs_alive() -> None:
    guard = Guard(0, 4, "<", 3, 0.0, True)
    before = program((ops.sin, 0), (ops.cos, 1), (ops.exp, 0), (ops.neg, 4), outputs=[5], guards=[guard])
    after = passes.eliminate_dead_code(before)
    assert ran(after) == [("cos", 1), ("exp", 0), ("neg", 3)]
    assert (after.guards[0].at, after.guards[0].left) == (3, 2)
    assert ran(passes.eliminate_dead_code(program((ops.sin, 0), outputs=[0]))) == []


def test_repetitions_go_but_zeros_of_two_signs_and_positions_are_told_apart() -> None:
    before = program((ops.add, 0, 0.0), (ops.add, 0, -0.0), (ops.add, 0, 0.0), (ops.mul, 2, 1.0), (ops.mul, 4, 1))
    assert ran(passes.eliminate_common_subexpressions(before)) == [
        ("add", 0, 0.0), ("add", 0, -0.0), ("mul", 2, 1.0), ("mul", 2, 1),
    ]  # fmt: skip


def test_operations_on_constants_are_done_beforehand() -> None:
    before = program((ops.div, 1.0, 0.0), (ops.add, 2, 1.0), (ops.mul, 3, 0))
    assert ran(passes.fold_constants(before)) == [("mul", math.inf, 0)]


IDENTITIES = [
    (ops.mul, 0, 1.0), (ops.mul, 1.0, 0), (ops.div, 0, 1.0), (ops.sub, 0, 0.0), (ops.add, 0, -0.0),
    (ops.add, -0.0, 0), (ops.constant_power, 0, 1.0), (ops.identity, 0),
    (ops.strong_mul, 0, 1.0), (ops.strong_mul, 1.0, 0),
]  # fmt: skip
NO_IDENTITIES = [(ops.mul, 0, 0.0), (ops.add, 0, 0.0), (ops.sub, 0, -0.0), (ops.sub, 0.0, 0), (ops.div, 0, 0)]


@pytest.mark.parametrize("instruction", IDENTITIES)
def test_an_identity_goes_and_is_one_for_every_number(instruction: tuple[Any, ...]) -> None:
    made = program(instruction, inputs=1)
    after = passes.simplify(made)
    assert (ran(after), after.outputs) == ([], (0,))
    for x in SPECIAL:
        assert bits(made.instructions[0].op.evaluate(*[x if type(o) is int else o for o in instruction[1:]])) == bits(x)


@pytest.mark.parametrize("instruction", NO_IDENTITIES)
def test_what_is_no_identity_for_every_number_stays(instruction: tuple[Any, ...]) -> None:
    assert len(passes.simplify(program(instruction, inputs=1))) == 1


def test_plain_products_are_checked_where_a_nan_could_hide() -> None:
    made = program((ops.strong_mul, 0, 1), (ops.add, 2, 1.0), (ops.greater, 3, 0.0), (ops.mul, 3, 2.0), outputs=[4, 5])
    after = passes.relax_strong_zeros(made)
    assert ran(after)[0] == ("mul", 0, 1)
    assert after.checked == (3, 5)


@pytest.mark.parametrize("name", BACK_ENDS)
def test_a_constant_infinity_is_kept_from_a_zero(name: str) -> None:
    code = BACK_ENDS[name](program((ops.strong_zero, math.inf, 0), inputs=1))
    assert (code.run(0.0), code.run(2.0)) == ((0.0,), (math.inf,))


@pytest.mark.parametrize("name", BACK_ENDS)
@settings(max_examples=60)
@given(data=st.data())
def test_both_forms_of_code_answer_as_the_program(name: str, data: st.DataObject) -> None:
    """Random straight lines with products of the chain rule among what could hide a nan."""
    draws = random.Random(data.draw(st.integers(0, 10**6)))
    choice = [
        ops.strong_mul,
        ops.strong_zero,
        ops.add,
        ops.mul,
        ops.greater,
        ops.maximum,
        ops.div,
        ops.log,
        ops.where,
        ops.exp,
    ]
    lines: list[tuple[Any, ...]] = []
    for i in range(12):
        op = draws.choice(choice)
        lines.append((op, *[draws.choice([draws.randrange(2 + i), 0.0, 2.0]) for _ in range(op.arity or 0)]))
    made = program(*lines, outputs=[13, 12, 7])
    code = BACK_ENDS[name](passes.optimize(made))
    for _ in range(6):
        point = [draws.choice(SPECIAL), draws.choice(SPECIAL)]
        assert bits(code.run(*point)) == bits(made(*point)), (point, str(made))


@pytest.mark.parametrize("name", BACK_ENDS)
@pytest.mark.parametrize("size", [1, 3, 7])
def test_programs_in_pieces(name: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_back_end, "PIECE", size)
    monkeypatch.setattr(llvm, "PIECE", size)

    def f(x: Any, y: Any) -> Any:
        for _ in range(4):
            x, y = ag.sin(x) * y if x > y else x - y, ag.where(ag.greater(x, 0.0), ag.log(x), 1.0)
        return x, y, 1.0, y * 0.0

    fast = jit(lambda x, y: (f(x, y), grad(lambda x: f(x, y)[0])(x)), backend=name)
    for point in ((0.5, 0.7), (1.5, 0.7), (-1.0, 2.0), (0.0, 0.0), (math.nan, 1.0)):
        assert bits(fast(*point)) == bits((f(*point), grad(lambda x, y=point[1]: f(x, y)[0])(point[0])))
    if name == "python":
        assert "piece_1" in fast.source


def test_pieces_pass_on_what_is_read_later() -> None:
    made = program((ops.sin, 0), (ops.cos, 0), (ops.add, 2, 3), (ops.mul, 4, 2), outputs=[5, 3])
    first, second = pieces_of(made, 2)
    assert (first.reads, first.writes, second.reads, second.writes) == ((0,), (2, 3), (2, 3), (5,))


@st.composite
def straight_lines(draw: st.DrawFn) -> Program:
    """Programs of few kinds of instructions, with guards and checked numbers anywhere."""
    inputs, count = draw(st.integers(1, 3)), draw(st.integers(1, 14))
    constants, instructions = st.sampled_from([0.0, -0.0, 0.1, -3.0]), []
    for known in range(inputs, inputs + count):
        op = draw(st.sampled_from([ops.add, ops.add, ops.mul, ops.mul, ops.mul, ops.sub, ops.dot, ops.linear]))
        size = 3 if op is ops.linear else op.arity or 4
        recent = st.integers(max(0, known - 5), known - 1)
        operands = [draw(st.one_of(recent, recent, recent, constants)) for _ in range(size)]
        instructions.append(Instruction(op, tuple(operands)))
    anywhere = st.integers(0, inputs + count - 1)
    guards = []
    for number in range(draw(st.integers(0, 3))):
        left, right = draw(anywhere), draw(st.one_of(anywhere, constants))
        at = draw(st.integers(max(inputs, left + 1, right + 1 if type(right) is int else 0), inputs + count))
        guards.append(Guard(number, at, draw(st.sampled_from(["<", ">=", "=="])), left, right, draw(st.booleans())))
    outputs, checked = (draw(st.lists(anywhere, min_size=size, max_size=4)) for size in (1, 0))
    names = tuple("xyz"[:inputs])
    return Program("f", names, tuple(instructions), tuple(outputs), tuple(guards), tuple(dict.fromkeys(checked)))


@settings(max_examples=40)
@given(made=straight_lines(), draws=st.randoms(use_true_random=False))
def test_gathered_sums_keep_every_bit_guard_and_check(made: Program, draws: random.Random) -> None:
    gathered = passes.gather_sums(made)
    assert len(gathered) <= len(made)
    assert [guard.number for guard in gathered.guards] == [guard.number for guard in made.guards]
    for _ in range(10):
        point = draws.choices([*SPECIAL, 3.0, -0.7, 1e16, 1.0 / 3.0], k=len(made.inputs))
        before, after = (
            dataclasses.replace(p, outputs=(*p.outputs, *p.checked, *(o for g in p.guards for o in (g.left, g.right))))(
                *point
            )
            for p in (made, gathered)
        )
        assert bits(before) == bits(after)
    for guard in gathered.guards:  # what a guard compares is known where it stands
        assert all(type(o) is float or o < guard.at for o in (guard.left, guard.right))


def test_sums_are_gathered_only_where_a_product_is_of_no_other_use() -> None:
    chain = program((ops.mul, 0, 1), (ops.mul, 0, 2.0), (ops.add, 2, 3), (ops.mul, 1, 1), (ops.add, 4, 5))
    assert ran(passes.gather_sums(chain)) == [("dot", 0, 1, 0, 2.0, 1, 1)]
    start = program((ops.sin, 0), (ops.mul, 0, 1), (ops.add, 2, 3))
    assert ran(passes.gather_sums(start)) == [("sin", 0), ("linear", 2, 0, 1)]
    guard = Guard(0, 5, "<", 3, 0.0, True)
    for used in (
        program((ops.mul, 0, 1), (ops.add, 0, 2), outputs=[2, 3]),
        program((ops.mul, 0, 1), (ops.add, 2, 2)),
        program((ops.sin, 0), (ops.mul, 0, 1), (ops.add, 2, 3), guards=[guard]),
        dataclasses.replace(program((ops.mul, 0, 1), (ops.add, 0, 2)), checked=(2,)),
    ):
        assert ran(passes.gather_sums(used)) == ran(used)


# ---- Programs ----


def test_a_program_is_immutable_and_shows_itself() -> None:
    fast = jit(lambda x, w: x * w["rate"] if x > 1.0 else -x, backend="python")
    fast(2.0, {"rate": 3.0})
    assert str(fast.program) == (
        "lambda(x, w['rate']): 2 inputs, 1 instruction, 1 guard\n"
        "    guard x > 1.0 is True\n    v0 = x * w['rate']\n    return v0"
    ).replace("lambda(", "<lambda>(")
    assert (
        fast.source == "def _lambda(x, w_rate):\n    if not x > 1.0: return 0\n    v0 = x * w_rate\n    return (v0,)\n"
    )
    assert (len(fast.program), fast.program.counts()) == (1, {"mul": 1})
    assert fast.program(2.0, 5.0) == (10.0,)
    assert fast.program(Value(2.0), Value(5.0))[0].requires_grad
    with pytest.raises(ArgumentError, match="has 2 inputs, got 1"):
        fast.program(2.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        fast.program.name = "other"  # type: ignore[misc]
    assert copy.copy(fast.program) == fast.program
    fast(0.5, {"rate": 3.0})
    assert "return v0" in str(fast.program)
    assert "guard x > 1.0 is False" in str(fast.program)


def test_a_program_can_be_drawn() -> None:
    fast = jit(lambda x, y: ag.tanh(x * y))
    fast(1.0, 2.0)
    assert "tanh" in fast.draw().source


def test_names_are_the_users() -> None:
    w = Value(2.0, name="weight")
    fast = jit(lambda lambda_, x: lambda_ * w + x[1], backend="python")
    fast(1.0, [2.0, 3.0])
    assert fast.program.inputs == ("lambda_", "x[0]", "x[1]", "weight")
    faster = jit(lambda s, v0, check, inf: s + v0 * check - inf, backend="python")
    assert faster(1.0, 2.0, 3.0, 4.0) == 3.0


# ---- Back ends ----


def test_python_source_compiles_without_warnings_and_keeps_every_bit_of_its_constants() -> None:
    draws = random.Random(0)
    constants = [x for x in SPECIAL if x == x] + [
        draws.uniform(-1, 1) * 10 ** draws.randint(-300, 300) for _ in range(50)
    ]
    fast = jit(lambda x: [x * c for c in constants] + [x - c for c in constants], backend="python")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fast(3.0)
        compile(fast.source, "source", "exec")
    assert bits(found) == bits([3.0 * c for c in constants] + [3.0 - c for c in constants])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", fast.source], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_long_program_compiles_in_pieces() -> None:
    def f(x: Any) -> Any:
        for i in range(10_000):
            x = x * 0.5 + (1.0 if i % 3 else x)
        return x

    assert [jit(f, backend=name)(0.25) for name in BACK_ENDS] == [f(0.25)] * len(BACK_ENDS)


def test_long_native_code_releases_the_interpreter_lock() -> None:
    def f(x: Any, count: int) -> Any:
        for _ in range(count):
            x = ag.sin(x)
        return x

    fast = jit(f, backend="native", static_argnames="count")
    for count, is_long in ((10, False), (1000, True)):
        assert fast(1.0, count) == f(1.0, count)
        assert ("call ptr @PyEval_SaveThread()" in fast.source) == is_long


def test_fast_math_is_the_users_choice() -> None:
    f = lambda x, y: x * y + y
    assert "fast" in _source_of(f, fast_math=True)
    assert "fast" not in _source_of(f, fast_math=False)


def _source_of(f: Any, *, fast_math: bool) -> str:
    fast = jit(f, backend="native", fast_math=fast_math)
    assert fast(2.0, 3.0) == 9.0
    return fast.source


def test_without_llvmlite_and_machine_auto_is_python_and_native_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    native._llvm.cache_clear()
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    monkeypatch.setattr(vm, "is_there", lambda: False)
    fast = jit(lambda x: x * 2.0)
    assert fast(1.0) == 2.0
    assert fast.source.startswith("def ")
    with pytest.raises(MissingDependencyError, match=re.escape('pip install "autograd_lite[native]"')):
        jit(lambda x: x * 2.0, backend="native")(1.0)


def test_a_missing_c_function_is_python_under_auto_and_named_under_native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vm, "is_there", lambda: False)
    monkeypatch.setitem(llvm.LIBM, ops.sin, "no_such_function")
    assert jit(ag.sin)(1.0) == ag.sin(1.0)
    with pytest.raises(MissingDependencyError, match="no_such_function"):
        jit(ag.sin, backend="native")(1.0)


needs_the_machine = pytest.mark.skipif(not vm.is_there(), reason="the core is not compiled here")


def test_vm_says_what_to_do_where_the_core_is_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    vm._machine.cache_clear()
    monkeypatch.setitem(sys.modules, "autograd_lite.core.vm", None)
    with pytest.raises(MissingDependencyError, match=r"needs the compiled core.* or take backend=\"python\""):
        jit(ag.sin, backend="vm")(1.0)
    assert not vm.is_there()
    assert jit(ag.sin)(1.0) == ag.sin(1.0)
    vm._machine.cache_clear()


@needs_the_machine
def test_the_source_of_the_machine_shows_registers_and_guards() -> None:
    fast = jit(lambda x, y: ag.sin(x) * 2.0 + y if x > y else -x, backend="vm")
    fast(2.0, 1.0)
    assert fast.source == (
        "<lambda>, registers: 3\nr0 is x\nr1 is y\nif not r0 > r1: return 0\n"
        "r0 = sin(r0)\nr0 = r0 * 2.0\nr1 = r0 + r1\nreturn r1"
    )


@pytest.fixture
def eager_to_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling counts as little work, and every program as a long one."""
    monkeypatch.setattr(deferred, "_COMPILING", 10.0)
    monkeypatch.setattr(deferred, "_COMPILING_EACH", 10.0)
    monkeypatch.setattr(deferred, "_LONG", 0)


def _swings(x: Any, y: Any) -> Any:
    return [ag.sin(x) * y if x > 0.0 else ag.log(-x) / y, grad(lambda x: x * ag.where(ag.greater(x, 0.0), y, 0.0))(x)]


@pytest.mark.usefixtures("eager_to_compile")
@pytest.mark.parametrize("is_there", [False, pytest.param(True, marks=needs_the_machine)], ids=["pure", "vm"])
def test_auto_gives_the_same_bits_before_and_after_it_has_compiled(
    is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vm, "is_there", lambda: is_there)
    fast = jit(_swings)
    points = [(0.5, 2.0), (-0.5, 2.0), (0.0, 0.5), (1e308, math.inf), (3.0, 0.0), (-math.inf, -1.0)]
    for _ in range(60):
        for point in points:
            assert bits(fast(*point)) == bits(_swings(*point)), point
    deferred.wait_for_background()
    for point in points:
        assert bits(fast(*point)) == bits(_swings(*point)), point
        assert "define internal i64" in fast.source


@needs_the_machine
@pytest.mark.usefixtures("eager_to_compile")
def test_auto_stays_with_the_machine_where_nothing_can_be_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(llvm.LIBM, ops.sin, "no_such_function")
    fast = jit(ag.sin)
    for _ in range(100):
        assert fast(1.0) == ag.sin(1.0)
    deferred.wait_for_background()
    assert (fast(1.0), "r0 = sin(r0)" in fast.source) == (ag.sin(1.0), True)


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.2])
def test_a_process_may_end_while_it_compiles(delay: float) -> None:
    program = f"""
import time
from autograd_lite import jit
from autograd_lite.jit.backends import deferred
deferred._COMPILING = deferred._COMPILING_EACH = 1.0

def f(x, y):
    for _ in range(700):
        x, y = 0.5 * x * y + 0.1, 0.9 * y - 0.1 * x
    return x

fast = jit(f)
print([fast(1.0, 0.2) == f(1.0, 0.2) for _ in range(5)], flush=True)
time.sleep({delay})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{[True] * 5}\n", "")


def test_a_background_task_that_raises_is_dropped_and_the_next_is_done() -> None:
    done: list[int] = []
    deferred.in_background(lambda: 1 // 0)
    deferred.in_background(lambda: done.append(1))
    deferred.wait_for_background()
    assert done == [1]


def test_native_code_refuses_what_is_no_float() -> None:
    code = native.NativeCode(program((ops.add, 0, 1)))
    for wrong in (1, True, "1", Value(1.0), None):
        assert code.call(1.0, wrong) == -3
    fast = jit(lambda x: x[0] * x[1])
    assert fast([2.0, 3.0]) == fast([2, 3.0]) == 6.0
    assert fast([Value(2.0), 3.0]).data == 6.0


def test_a_gradient_and_its_value_are_computed_once() -> None:
    fast = jit(value_and_grad(lambda x: ag.exp(ag.sin(x))))
    fast(1.0)
    assert fast.program.counts()["exp"] == fast.program.counts()["sin"] == 1


# ---- The guide ----


@pytest.mark.parametrize("block", blocks(ROOT / "docs" / "jit.md"))
def test_the_guide_is_so(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "guide"}
    exec("from autograd_lite import *\nimport autograd_lite as ag\nimport math", names)
    raises = re.search(r"^# (\w+Error): (.*)$", block, re.MULTILINE)
    if raises:
        with pytest.raises(Exception, match=re.escape(raises[2])) as caught:
            exec(block, names)
        assert type(caught.value).__name__ == raises[1]
        return
    exec(block, names)
    for expression, expected in re.findall(r"^(\S.*?)  # (.+)$", block, re.MULTILINE):
        if "=" not in expression.split("(")[0]:
            assert repr(eval(expression, names)) == expected
