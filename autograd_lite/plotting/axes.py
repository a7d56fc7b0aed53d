"""What all plots share: the axes, the colours, the legend."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from autograd_lite.core.checks import describe
from autograd_lite.errors import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLORS", "MARKERS", "STYLES", "checked_axes", "colors", "legend_below"]

#: Their contrast to white is 3 at least. The first four are of Okabe and Ito's palette, the others of Paul Tol's.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#332288", "#AA3377")
STYLES = ("-", "--", "-.", ":")
MARKERS = "os^DvPXp"


def checked_axes(ax: Any, height: float = 0.0) -> "Axes":
    """The axes themselves, or for None those of a new figure, of so many inches at least; ``TypeError`` otherwise."""
    try:
        from matplotlib.axes import Axes
    except ImportError:
        raise MissingDependencyError('this needs matplotlib: pip install "autograd_lite[plot]"') from None
    if ax is None:
        from matplotlib import pyplot

        figure = pyplot.figure(layout="constrained")
        figure.set_figheight(max(height, figure.get_figheight()))
        return figure.add_subplot()
    if not isinstance(ax, Axes):
        raise TypeError(f"ax is one Axes of matplotlib, such as that of `fig, ax = plt.subplots()`; got {describe(ax)}")
    return ax


def colors(count: int) -> list[Any]:
    """So many different colours."""
    if count <= len(COLORS):
        return list(COLORS[:count])
    from matplotlib import colormaps

    return list(colormaps["viridis"].resampled(count).colors)  # type: ignore[attr-defined]


def legend_below(ax: "Axes", handles: Sequence[Any]) -> None:
    """A legend below all else that belongs to the axes, in as few rows as fit.

    If the figure has a layout engine, that makes room for it. If not, the axes do, unless they were placed by hand.
    """
    from matplotlib.transforms import ScaledTranslation

    figure = ax.get_figure(root=True)
    assert figure is not None  # they have been drawn into
    room = None if figure.get_layout_engine() else _room_below(ax)
    if room:
        room(0.0)
    labels = ax.xaxis.get_tightbbox()
    depth = 0.0 if labels is None else (ax.bbox.y0 - labels.y0) / figure.dpi
    place = ax.transAxes + ScaledTranslation(0, -depth, figure.dpi_scale_trans)
    for rows in range(1, len(handles) + 1):
        legend = ax.legend(
            handles,
            [handle.get_label() for handle in handles],
            loc="upper center",
            bbox_to_anchor=(0.5, 0.0),
            bbox_transform=place,
            ncols=math.ceil(len(handles) / rows),
            frameon=False,
        )
        box = legend.get_window_extent()
        if box.width <= ax.bbox.width:
            break
    if room:
        room(max(box.height, -box.y0) / ax.bbox.height)


def _room_below(ax: "Axes") -> Callable[[float], None] | None:
    """What makes the axes give up a share of their cell of the figure, at its lower end; None for those without one."""
    from matplotlib.gridspec import GridSpecFromSubplotSpec

    cell = ax.get_subplotspec()
    if cell is None:
        return None
    grid = cell.get_gridspec()
    if not hasattr(grid, "has_legend"):  # else it is that of an earlier call
        grid = GridSpecFromSubplotSpec(2, 1, cell, hspace=0.0)
        grid.has_legend = True  # type: ignore[attr-defined]
    same = [axes for axes in ax.figure.axes if axes.get_subplotspec() == cell]  # with what twinx() has made

    def give_up(share: float) -> None:
        grid.set_height_ratios([1.0 - min(share, 0.7), min(share, 0.7)])
        for axes in same:
            axes.set_subplotspec(grid[0])

    return give_up
