"""Train an execution policy with stable-baselines3, and compare it with TWAP on seeds it has not seen.

python examples/train_execution.py [DECISIONS]          # 400 by default: a demonstration; 200,000 learn something
"""

import sys

from stable_baselines3 import PPO
from torch import nn

from agents.rl import MarketBatch, MarketVectorEnv
from agents.rl.evaluation import constant, evaluate, interval, of_network
from agents.rl.sb3 import Sb3VecEnv, network_of
from scenarios.environments import MarketFactory

decisions = int(sys.argv[1]) if len(sys.argv) > 1 else 400
agent = {"quantity_lots": 500, "start_s": 300.0, "duration_s": 300.0, "step_s": 10.0, "price_scale_ticks": 5.0}
market = MarketFactory("rmsc", "execution", agent)
network = {"net_arch": {"pi": [32, 32], "vf": [32, 32]}, "activation_fn": nn.ReLU}
model = PPO("MlpPolicy", Sb3VecEnv(MarketVectorEnv(market, 8)), n_steps=25, batch_size=50, policy_kwargs=network)
model.learn(decisions)

batch, seeds = MarketBatch(market, 8), range(2**31, 2**31 + 16)
trained = evaluate(batch, of_network(network_of(model, "execution", batch.features)), seeds)
twap = evaluate(batch, constant(batch.task.baselines["TWAP"]), seeds)
print(f"trained on {decisions} decisions: shortfall {-trained.returns.mean():.3f} price scales")
print("better than TWAP by {:.3f} ({:.3f}, {:.3f})".format(*interval(trained.returns - twap.returns)))
