"""One step of the search in PyTorch."""

from safetensors.numpy import save_file

from torch_llr import Separate
from torch_problem import image_to_ours
from torch_search import Search


class PgdStep:
    def __init__(self, problem, options):
        self.problem = problem
        self.search = Search(problem, options.compiled)
        self.parameters = problem.constant_parameters()
        self.around = Separate(problem).linearize()
        self.delta = problem.start

    def step(self):
        self.delta = self.search.step(self.delta, self.parameters, self.around)
        return float(self.delta[0, 0, 0, 0])

    def check(self, file):
        problem = self.problem
        gradient = self.search.gradient(problem.corner, self.parameters, self.around)
        found = self.search.step(problem.start, self.parameters, self.around)
        save_file(
            {
                "loss": self.around.loss.float().numpy(),
                "input gradient": image_to_ours(self.around.input_gradient),
                "inner gradient": image_to_ours(gradient),
                "found": image_to_ours(found),
            },
            file,
        )
