"""From a scene to pictures: DOT, SVG, PNG, PDF, Mermaid and pages."""

from autograd_lite.drawing.pictures.picture import FORMATS, Drawing

__all__ = ["FORMATS", "Drawing"]
