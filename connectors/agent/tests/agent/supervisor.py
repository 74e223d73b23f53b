"""A supervisor without an attempt: the first word of `run` says what it pretends."""
import fcntl, json, os, sys, time

folder = sys.argv[1]
lock = open(f"{folder}/supervisor.lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
spec = json.load(open(f"{folder}/spec.json"))
what = spec["start"]["run"][0]


def say(notice, **fields):
    try:
        print(json.dumps({"notice": notice, **fields}), flush=True)
    except BrokenPipeError:
        pass  # the agent is gone


def end(cause, exit=None):
    outcome = {"end": {"exit": exit, "cause": cause, "tail": "printed\n"}, "cases": [{"test": "t", "result": "passed"}]}
    with open(f"{folder}/outcome.new", "w") as file:
        json.dump(outcome, file)
    os.rename(f"{folder}/outcome.new", f"{folder}/outcome.json")
    say("ended")
    sys.exit()


open(f"{folder}/output", "w").write(f"printed by {what}, checkpoint {spec['start']['checkpoint']}\n")
if what == "mute":
    sys.exit(3)  # neither word nor outcome
say("started", pid=os.getpid())
say("progress", fraction=0.0, note=f"lives until {spec['lives_until_ms']}")
if what == "pass":
    end("exit", exit=0)
buffer = b""
while True:  # "wait": until it is told to end, or its agent is gone
    data = os.read(0, 65536)
    if not data:
        if what == "slow":
            time.sleep(0.5)
        end("agent")
    buffer += data
    *lines, buffer = buffer.split(b"\n")
    for line in map(json.loads, lines):
        if line["instruction"] == "cancel" and (what != "stubborn" or line["grace_ms"] == 0):
            end("cancel")
        elif line["instruction"] == "cancel":
            say("checkpoint", text="uses its grace")
            continue
        say("progress", fraction=0.5, note=f"lives until {line['lives_until_ms']}")
