from dvc_gate.command import run

run()
