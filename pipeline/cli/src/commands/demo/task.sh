# A made-up test: task.sh KIND STEPS PAUSE. After each step it says how far it is and leaves a checkpoint, from which
# the next attempt goes on. When it has done its work it signs: its lease goes into a ledger of its task's own.
set -eu
kind=$1 steps=$2 pause=$3

# True once in the life of a task, whichever node asks.
first() { mkdir "$DEMO/marks/$REPRISE_TASK" 2>/dev/null; }

case $kind in
hangs) if first; then echo "asking a server that never answers"; sleep 600; fi ;;
crashes) echo "about to follow a bad pointer"; kill -SEGV $$ ;;
esac

step=$(cat "$REPRISE_CHECKPOINT")
[ -z "$step" ] || echo "goes on after step $step of $steps"
step=${step:-0}
while [ "$step" -lt "$steps" ]; do
  sleep "$pause"
  step=$((step + 1))
  case $kind in
  flaky) if first; then echo "step $step: expected 200, got 502"; exit 1; fi ;;
  broken) echo "step $step: expected 3 items in the cart, found none"; exit 1 ;;
  esac
  percent=$((step * 100 / steps))
  [ "$percent" -lt 100 ] && fraction=0.$percent || fraction=1
  "$REPRISE" checkpoint "$step"
  "$REPRISE" progress "$fraction" "step $step of $steps"
done
echo "$REPRISE_LEASE" >>"$DEMO/ledger/$REPRISE_TASK"
