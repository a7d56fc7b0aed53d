"""Optimisers, schedules of their learning rates, and clipping, with PyTorch's names and update rules."""

from autograd_lite.nn.utils import clip_grad_norm_
from autograd_lite.optim import lr_scheduler, rules
from autograd_lite.optim.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "clip_grad_norm_", "lr_scheduler", "rules"]
