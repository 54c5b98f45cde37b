"""A sampler for prabench's [[external]] in PyTorch: a flow model on pixels that predicts the
image (arXiv 2511.13720), trained here and drawn by Euler steps. docs/reference/outside.md has the contract.

    python3 flow.py JOB.json
"""
import json
import os
import sys

import numpy as np
import torch
from torch import nn

job = json.load(open(sys.argv[1]))
settings, size, channels, classes = job["settings"], job["size"], job["channels"], job["classes"]
pixels, device, steps = size * size * channels, job["device"], settings.get("sample.flow_steps", 10)
torch.set_num_threads(max(1, job["threads"]))
torch.manual_seed(job["seed"])


class Denoiser(nn.Module):
    """The image behind x = (1 - t) noise + t image: residual blocks on all pixels at once."""

    def __init__(self, width=settings["width"], depth=3):
        super().__init__()
        self.x, self.t, self.c = nn.Linear(pixels, width), nn.Linear(16, width), nn.Embedding(classes, width)
        self.blocks = nn.ModuleList(nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))
                                    for _ in range(depth))
        self.out = nn.Linear(width, pixels)

    def forward(self, x, t, c):
        waves = t[:, None] * torch.arange(1, 9, device=x.device) * torch.pi
        h = self.x(x) + self.t(torch.cat([waves.sin(), waves.cos()], 1)) + self.c(c)
        for block in self.blocks:
            h = h + block(h)
        return self.out(h)


def fit(model):
    """Trains, or goes on from what an earlier attempt has left in the folder that is kept."""
    path, opt, done = os.path.join(job["keep"], "flow.pt"), torch.optim.AdamW(model.parameters()), 0
    if os.path.exists(path):
        saved = torch.load(path, map_location=device, weights_only=True)
        model.load_state_dict(saved["model"]), opt.load_state_dict(saved["opt"])
        done = saved["done"]
    print(f"training goes from step {done} to {settings['steps']}")
    if done == settings["steps"]:
        return
    data = np.load(job["data"])
    x, y = torch.as_tensor(data["arr_0"]).reshape(-1, pixels), torch.as_tensor(data["arr_1"])
    for step in range(done, settings["steps"]):
        torch.manual_seed((job["seed"] << 32) % 2**63 + step)  # a step is the same in every attempt
        rows = torch.randint(len(x), (128,))
        real, c = x[rows].to(device) / 127.5 - 1, y[rows].to(device)
        noise, t = torch.randn_like(real), torch.randn(len(rows), device=device).sub(0.8).sigmoid()
        error = (model(noise.lerp(real, t[:, None]), t, c) - real) / (1 - t[:, None]).clamp(min=0.05)  # of the velocity
        loss = error.square().mean()
        opt.param_groups[0]["lr"] = 2e-3 * (1 - step / settings["steps"])
        opt.zero_grad(), loss.backward(), opt.step()
        if (step + 1) % 200 == 0 or step + 1 == settings["steps"]:
            torch.save({"model": model.state_dict(), "opt": opt.state_dict(), "done": step + 1}, path + ".part")
            os.replace(path + ".part", path)  # whole or not at all: the program may be killed


@torch.inference_mode()
def draw(model, noise, c):
    x = noise.to(device)
    for k in range(steps):
        image = model(x, torch.full((len(x),), k / steps, device=device), c.to(device))
        x = x + (image - x) / (steps - k)
    return ((x.clamp(-1, 1) + 1) * 127.5).round().byte().reshape(-1, size, size, channels).cpu().numpy()


model = Denoiser().to(device)
fit(model)
weights = sum(p.numel() for p in model.parameters())
with open(job["about"], "w") as f:  # two operations a weight and step: layers, no embedding
    json.dump({"params": weights, "nfe": steps, "flops_image": 2 * steps * (weights - model.c.weight.numel())}, f)
if job["task"] == "sample":
    torch.manual_seed(job["seed"])
    noise, labels = torch.randn(job["count"], pixels), torch.arange(job["count"]) % classes
    images = []
    for at in range(0, len(noise), job["batch"]):
        images.append(draw(model, noise[at:at + job["batch"]], labels[at:at + job["batch"]]))
        print(json.dumps({"done": sum(map(len, images))}), flush=True)
    np.savez(job["images"], np.concatenate(images), labels.numpy())
else:  # time: as many images as each line says, then an answer; .numpy() has waited for the device
    for line in sys.stdin:
        n = int(line)
        draw(model, torch.randn(n, pixels), torch.arange(n) % classes)
        print(json.dumps({"done": n}), flush=True)
