"""Evaluate one model on the test sequences of its task: teacher-forced and free-running."""

import argparse
import hashlib
import json
from pathlib import Path

import stages
from stages import files
from stages.networks import model_file
from stages.rollouts.evaluation import Subject, report, run_freely
from stages.rollouts.tables import tables
from stages.settings import entry
from stages.signals import dataset_file
