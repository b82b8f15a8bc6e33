#!/usr/bin/env bash
# Deploys `prod` as the stage `drill` to the current AWS account, tests it, releases a broken version
# and expects its rollback, and removes everything. tests/README.md describes it.
set -euo pipefail

p8=$(realpath "${1:?usage: KEY_ID=… TEAM_ID=… MUSIC_USER_TOKEN=… ops/drill.sh AuthKey_….p8}")
cd "$(dirname "$0")/.."
: "${KEY_ID:?}" "${TEAM_ID:?}" "${MUSIC_USER_TOKEN:?}"
export MUSIC_USER_TOKEN
stack=apple-music-ratings-drill
item=songs/907242702

step() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED  %s\n' "$*"; exit 1; }
output() {
  aws cloudformation describe-stacks --stack-name "$stack" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}
operate() { make ops ARGS="--stage drill $*"; }
live_version() { aws lambda get-alias --function-name "$1" --name live --query FunctionVersion --output text; }

# Sends five reads of new ids a second: fewer than the firewall's limit. The process list does not
# show the token.
traffic() {
  while sleep 0.2; do
    curl --silent --output /dev/null --max-time 10 "$1/v1/me/ratings/songs/$((RANDOM + 1000000000))" \
      --config <(printf 'header = "Music-User-Token: %s"\n' "$MUSIC_USER_TOKEN") &
  done
}

remove() {
  local status=$? key left
  trap - EXIT
  step "Removing the stage"
  if [ -n "${traffic_pid:-}" ]; then kill "$traffic_pid" || true; fi
  key=$(output SigningKeySecret || true)
  make destroy STAGE=drill ARGS=--force || fail "the stack is not removed: see above"
  case $key in
    arn:*) aws secretsmanager delete-secret --secret-id "$key" --force-delete-without-recovery ;;
  esac
  sleep 60 # until AWS no longer lists deleted resources
  left=$(aws resourcegroupstaggingapi get-resources --tag-filters Key=stage,Values=drill \
    --query 'ResourceTagMappingList[].ResourceARN' --output text)
  if [ -n "$left" ]; then fail "these resources still exist: $left"; fi
  if [ "$status" != 0 ]; then fail "the drill failed, see above; nothing is left"; fi
  echo "The drill passed. Nothing is left."
}
trap remove EXIT

step "Deploying"
make deploy STAGE=drill ARGS="--all --require-approval never"
function=$(output RatingsFunction)
url=$(output ApiUrl)

step "Signing a token, and testing with a write"
operate put-signing-key --yes --key-id "$KEY_ID" --team-id "$TEAM_ID" "$p8"
operate rotate
operate smoke --write "$item"

good=$(live_version "$function")
traffic "$url" &
traffic_pid=$!
# Twice: a version that was rolled back must not block the same code.
for attempt in first second; do
  step "Releasing a broken version, $attempt attempt: CodeDeploy must roll it back"
  if log=$(make deploy STAGE=drill 2>&1 \
    ARGS="$stack --exclusively --require-approval never -c broken=true"); then
    fail "the broken version was released"
  fi
  printf '%s\n' "$log" | tail -20
  case $log in *"already exists"*) fail "the version that was rolled back blocks its code" ;; esac
  if [ "$(live_version "$function")" != "$good" ]; then fail "the alias left version $good"; fi
done
kill "$traffic_pid"
traffic_pid=

step "Testing once more"
operate smoke
