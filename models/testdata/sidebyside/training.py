"""A training step in PyTorch, as in models/README.md, for rollout depths 0 and 1,
on a CPU or a GPU.

All random numbers are drawn before (recipe.py).
"""

import copy

import torch
from torch import nn

import families
import recipe


class Batch:
    """What recipe.batch makes, as tensors."""

    def __init__(self, c, train, step, images, labels, device="cpu"):
        for name, x in recipe.batch(c, train, step, images, labels).items():
            setattr(self, name, x if x is None else torch.from_numpy(x).to(device))


class Loss(nn.Module):
    def __init__(self, net, train):
        super().__init__()
        self.net, self.rec_weight, self.depth = net, train["rec_weight"], train["rollout_depth"]

    def coder(self, x, noise):
        """The state, what it decodes to with its noise, and the error of that."""
        net, c = self.net, self.net.c
        z = net.encode(x)
        decoded = z + noise
        if not c.state:
            return z, decoded, x.new_zeros(())
        decoded = net.decode(decoded)
        return z, decoded, (decoded - x).square().mean()

    def flow(self, h, z, t, eps, weight):
        """The mean square of the velocity's error, over all flow samples."""
        net, c = self.net, self.net.c
        zt = torch.lerp(eps, z, t[..., None])
        o = net.head(zt, net.modulate(net.time(t), net.cond(h)).unbind(-2))
        error = (o - z) * weight if c.target == "x" else o - (z - eps)
        return error.square().mean()

    def forward(self, x, labels, t, eps, noise, weight):
        """L_flow + λ·L_rec, and both parts."""
        z, decoded, rec = self.coder(x, noise)
        z = z.detach().float()  # autocast leaves the encoder's in bf16
        h = self.net.trunk(decoded.detach() if self.depth == 1 else x, labels)
        flow = self.flow(h, z, t, eps, weight)
        return flow + self.rec_weight * rec, flow.detach(), rec.detach()

    def compile_pieces(self):
        """Compiles a layer, the coder and the flow's loss by themselves, in seconds, where
        compiling all of it at once takes minutes."""
        for layer in self.net.layers:
            layer.compile(dynamic=False)
        self.coder, self.flow = (torch.compile(f, dynamic=False) for f in (self.coder, self.flow))


class Training:
    """A training that goes on from a checkpoint. how: compile (inductor's
    options, None for eager), pieces (compile these one by one), bf16 (autocast),
    optimiser ("fused" or "foreach"), recorded (the third step on a GPU is recorded as
    a CUDA graph, which later ones replay), device."""

    def __init__(self, checkpoint, *, compile=None, pieces=False, bf16=False, optimiser="fused", recorded=False, device="cpu"):
        c, self.train, self.device = checkpoint.config, checkpoint.train, torch.device(device)
        self.net = self.network(checkpoint, "raw.")
        self.params = list(self.net.parameters())
        self.average = [p.detach() for p in self.network(checkpoint, "ema.").parameters()]
        decayed = {id(p) for n, p in self.net.tensors().items() if n.endswith(".weight")}
        groups = [[p for p in self.params if (id(p) in decayed) == decay] for decay in (True, False)]
        self.recorded, self.graph = recorded, None
        number = lambda: torch.zeros((), device=self.device)  # what a graph reads, others are given as Python's numbers
        self.keep, self.rest = number(), number()
        self.adam = torch.optim.AdamW(
            [dict(params=g, weight_decay=d) for g, d in zip(groups, (self.train["weight_decay"], 0.0))],
            lr=number() if recorded else 0.0, betas=(0.9, 0.95), eps=1e-8, capturable=recorded and self.device.type == "cuda", **{optimiser: True})
        self.restore(checkpoint)
        self.loss, self.bf16 = families.loss(self.net, self.train), bf16
        if compile is not None:
            self.loss = torch.compile(self.loss, options=compile, fullgraph=True, dynamic=False)
        if pieces:
            self.loss.compile_pieces()

    def network(self, checkpoint, prefix):
        """The arrays of a checkpoint in a network, on the device."""
        with self.device:  # also what is drawn and then overwritten: on a host that takes seconds
            net = families.network(checkpoint.config)
        return net.load(checkpoint.named(prefix)).to(self.device)

    def restore(self, checkpoint):
        """The optimiser's moments from a training checkpoint."""
        self.done, self.steps = checkpoint.steps, 0  # of the whole training, of these here
        first, second = (dict(zip(map(id, self.params), self.network(checkpoint, p).parameters())) for p in ("adam.m.", "adam.v."))
        for p in self.params:
            self.adam.state[p] = dict(step=torch.tensor(float(self.done), device=self.device), exp_avg=first[id(p)].detach(),
                                      exp_avg_sq=second[id(p)].detach())

    def gradients(self, b):
        """Leaves the gradients of the batch in the parameters; the loss and its parts."""
        for p in self.params:
            p.grad = None
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            out = self.loss(b.x, b.labels, b.t, b.eps, b.noise, b.weight)
        out[0].backward()
        return out

    def numbers(self):
        """Gives the next step its learning rate and the average's share."""
        keep, rate = recipe.kept(self.train, self.done), recipe.rate(self.train, self.done)
        if not self.recorded:
            for g in self.adam.param_groups:
                g["lr"] = rate
            return keep
        for g in self.adam.param_groups:
            g["lr"].fill_(rate)
        self.keep.fill_(keep)
        self.rest.fill_(1 - keep)
        return keep

    def update(self, keep):
        """Clip, AdamW, average; the gradient's norm before clipping."""
        norm = None
        if self.train["clip"]:
            norm = nn.utils.clip_grad_norm_(self.params, self.train["clip"], foreach=True)
        self.adam.step()
        if self.recorded:
            torch._foreach_mul_(self.average, self.keep)
            torch._foreach_add_(self.average, torch._foreach_mul(self.params, self.rest))
        else:
            torch._foreach_lerp_(self.average, self.params, 1 - keep)
        return norm

    def plainly(self, batch, keep):
        losses = self.gradients(batch)
        with torch.no_grad():
            return losses, self.update(keep)

    def record(self, batch):
        """A CUDA graph of a step on a copy of the batch; nothing is computed yet."""
        self.batch = copy.copy(batch)
        for name, x in vars(batch).items():
            if x is not None:
                setattr(self.batch, name, x.clone())
        torch.cuda.synchronize(self.device)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.out = self.plainly(self.batch, None)

    def step(self, batch):
        with torch.no_grad():
            keep = self.numbers()
        if not (self.recorded and self.device.type == "cuda"):
            out = self.plainly(batch, keep)
        elif self.steps < 2:  # on a stream of their own, as what is recorded later
            stream = torch.cuda.Stream(self.device)
            stream.wait_stream(torch.cuda.current_stream(self.device))
            with torch.cuda.stream(stream):
                out = self.plainly(batch, keep)
            torch.cuda.current_stream(self.device).wait_stream(stream)
        else:
            if self.graph is None:
                self.record(batch)
            for name, x in vars(batch).items():
                if x is not None:
                    getattr(self.batch, name).copy_(x)
            self.graph.replay()
            out = self.out
        self.done += 1
        self.steps += 1
        return out
