"""From a scene to pictures: DOT, SVG, PNG, PDF, Mermaid and pages."""

from autograd_lite.drawing.pictures.picture import FORMATS, Drawing
from autograd_lite.drawing.pictures.render import set_renderer

__all__ = ["FORMATS", "Drawing", "set_renderer"]
