"""Sequential sampling in PyTorch on a GPU, as someone would write it who wants it
fast: one CUDA graph for the AR steps of each 32 tokens, which reads only the part
of the cache that these can have filled, weights and activations in bf16, states in
fp32, all modulations of a token in one product, and, if asked, the pieces of a
step compiled one by one: a layer before and after its attention, one Euler step.
Compiling a whole step instead would unroll its flow and take minutes.

On a CPU nothing is recorded and the same steps run as they are: a test needs no GPU.
"""

import torch
import torch.nn.functional as F

from network import Network

BUCKET = 32  # tokens whose steps share a graph


class GraphSampler:
    """Draws batches of one size. how: bf16, pieces (compiled), graphs."""

    def __init__(self, checkpoint, batch, steps, *, device="cpu", bf16=False, pieces=False, graphs=True):
        c = self.c = checkpoint.config
        self.device, self.batch, self.steps = torch.device(device), batch, steps
        dtype = self.dtype = torch.bfloat16 if bf16 else torch.float32
        with self.device:
            net = Network(c)
        net = self.net = net.load(checkpoint.named("ema.")).eval().requires_grad_(False).to(device)
        with torch.no_grad():
            net.scales_to_factors()
            self.times = net.time(torch.arange(steps, device=device) / steps)[:, None].to(dtype)  # [S, 1, H]
            self.positions = net.positions().clone()  # fp32, as the sums that it begins
            net.to(dtype)
        inverse = [1 / max(1 - i / steps, 0.05) for i in range(steps)]
        by = [x / steps if c.target == "x" else 1 / steps for x in inverse]
        self.by = torch.tensor(by, device=device)

        zeros = lambda *shape, dtype=torch.float32: torch.zeros(*shape, dtype=dtype, device=device)
        self.cache = [zeros(2, batch, c.heads, c.N, c.width // c.heads, dtype=dtype) for _ in range(c.depth)]
        self.tokens, self.omega = zeros(batch, c.N, c.P), zeros(batch, c.N, c.D)
        self.label, self.projected = zeros(batch, 1, c.width), zeros(batch, c.block, c.width)
        self.k = zeros((), dtype=torch.long)
        self.block, self.span = torch.arange(c.block, device=device), torch.arange(c.N, device=device)
        self.before, self.after, self.euler = self._before, self._after, self._euler
        if pieces:
            self.before, self.after, self.euler = (torch.compile(f, dynamic=False) for f in (self._before, self._after, self._euler))
        self.graphs = {}
        self.record = graphs and self.device.type == "cuda"

    # the pieces

    @staticmethod
    def _before(layer, u):
        return layer.split(u)

    @staticmethod
    def _after(layer, u, attended):
        return layer.finish(u, attended)

    def _euler(self, z, m, by):
        """z after one step of the flow under modulations m [rows, 3J+2, H]."""
        o = self.net.head(z.to(self.dtype), m.unbind(1), one=0).float()
        return torch.lerp(z, o, by) if self.c.target == "x" else z + by * o

    def step(self, length):
        """One AR step, the next; of the cache it reads the first length tokens."""
        net, c = self.net, self.c
        at = self.k * c.block + self.block
        u = (self.projected + (self.label + self.positions.index_select(0, at))).to(self.dtype)
        mask = torch.where(self.span[:length] < (self.k + 1) * c.block, 0.0, -torch.inf).to(self.dtype)
        mask = mask.expand(self.batch, c.heads, c.block, length)
        for layer, cache in zip(net.layers, self.cache):
            q, k, v = self.before(layer, u)
            cache[0].index_copy_(2, at, k)
            cache[1].index_copy_(2, at, v)
            u = self.after(layer, u, F.scaled_dot_product_attention(q, cache[0, :, :, :length], cache[1, :, :, :length], attn_mask=mask))
        h = net.norm(u).view(-1, c.width)
        z = self.omega.index_select(1, at).reshape(-1, c.D)
        modulations = net.modulate(self.times, net.cond(h))
        for i in range(self.steps):
            z = self.euler(z, modulations[i], self.by[i])
        x = net.decode(z.to(self.dtype))
        self.tokens.index_copy_(1, at, x.view(self.batch, c.block, c.P).float())
        self.projected.copy_(net.project(x).view_as(self.projected))
        self.k += 1

    def begin(self, labels=None, omega=None):
        self.k.zero_()
        self.projected.zero_()
        if labels is not None:
            self.label.copy_(self.net.label(labels)[:, None])
            self.omega.copy_(omega)

    def length(self, k):
        """What step k reads of the cache: whole buckets."""
        filled = (k + 1) * self.c.block
        return min(self.c.N, (filled + BUCKET - 1) // BUCKET * BUCKET)

    def prepare(self):
        """Records the graph of every bucket, after steps that compile and tune."""
        if not self.record or self.graphs:
            return
        pool = None
        for length in sorted({self.length(k) for k in range(self.c.K)}):
            self.begin()
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(2):
                    self.step(length)
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=pool):
                self.step(length)
            pool = graph.pool()
            self.graphs[length] = graph

    @torch.inference_mode(False)
    @torch.no_grad()
    def draw(self, labels, omega):
        """Unclipped tokens [batch, N, P]; the sampler's, good until the next call."""
        self.prepare()
        self.begin(labels.to(self.device), omega.to(self.device))
        for k in range(self.c.K):
            if self.record:
                self.graphs[self.length(k)].replay()
            else:
                self.step(self.length(k))
        return self.tokens

    @torch.no_grad()
    def images(self, labels, omega):
        """Bytes [batch, size, size, C], on the host."""
        c, x = self.c, self.draw(labels, omega)
        if c.order != "contiguous":
            x = x[:, torch.as_tensor(c.raster, device=self.device).argsort()]
        x = ((x.clamp(-1, 1) + 1) * 127.5 + 0.5).to(torch.uint8)
        x = x.view(-1, c.grid, c.grid, c.patch, c.patch, c.channels).transpose(2, 3)
        return x.reshape(-1, c.size, c.size, c.channels).cpu()
