#!/usr/bin/env bash
# Whole processes side by side, on the same file and in one run: `tiebreak check` beside what reads or hashes every byte of it.
# Prints medians and ratios as a Markdown table, and from size to size the power of the parameters that time grows with. What is not installed is left out, and said to be.
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<'TEXT'
usage: benchmarks/compare.sh [-r ROUNDS] [-d FOLDER] [-f FAMILY] [-t DTYPE] [-m OPTIONS] TIEBREAK PARAMETERS...

  TIEBREAK      the program, for instance of `dotnet publish src/Tiebreak.Cli -c Release -r linux-x64 -p:PublishAot=true`
  PARAMETERS    sizes of the checkpoints, for instance 1e6 1e7 124439808 1235814400
  -r ROUNDS     how often each program runs [default: 5]
  -d FOLDER     where checkpoints are made and stay, so that the next run finds them [default: a temporary folder]
  -f FAMILY     gpt2, llama or mixtral [default: gpt2]
  -t DTYPE      float32, bfloat16 or float16 [default: float32]
  -m OPTIONS    more options of Tiebreak.MakeCheckpoint, for instance "--width 1280 --vocab 32000" for models that differ in depth alone
TEXT
}

fail() { echo "error: $*" >&2; exit 2; }

rounds=5 folder='' family=gpt2 dtype=float32 more=()
while getopts 'r:d:f:t:m:h' option; do
    case $option in
        r) rounds=$OPTARG ;;
        d) folder=$OPTARG ;;
        f) family=$OPTARG ;;
        t) dtype=$OPTARG ;;
        m) read -ra more <<<"$OPTARG" ;;
        h) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[[ $# -ge 2 ]] || { usage >&2; exit 2; }
[[ $rounds =~ ^[1-9][0-9]*$ ]] || fail "-r takes a whole number above 0, not \`$rounds\`"
tiebreak=$(command -v -- "$1") || fail "there is no program \`$1\`; publish it first, see --help"
shift

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
scratch=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$scratch"' EXIT
folder=${folder:-$scratch}
mkdir -p "$folder"

# The maker is built if it is not there.
maker=$root/artifacts/bin/Tiebreak.MakeCheckpoint/release/Tiebreak.MakeCheckpoint.dll
[[ -f $maker ]] || dotnet build -c Release --nologo -v quiet "$root/benchmarks/Tiebreak.MakeCheckpoint" >&2

run() {
    case $1 in
        tiebreak) "$tiebreak" check "$file" --quiet --fail-on never ;;
        openssl) openssl dgst -sha256 "$file" ;;
        b3sum) b3sum --num-threads 2 "$file" ;;
        pytorch) "$python" "$root/benchmarks/pytorch_step.py" "$home" ;;
        *) "$1" "$file" ;;
    esac
}

tools=(tiebreak)
for tool in openssl b3sum sha256sum cat; do
    if command -v "$tool" >/dev/null; then tools+=("$tool"); else echo "note: $tool is not installed and left out" >&2; fi
done


# Debian's PyTorch belongs to Debian's Python. Mixtral is not written in the script.
python=/usr/bin/python3
if [[ $family == mixtral ]]; then echo "note: the PyTorch script has no $family" >&2
elif [[ -x $python ]] && "$python" -c 'import torch' 2>/dev/null; then tools+=(pytorch)
else echo "note: PyTorch (python3-torch) is not installed and left out" >&2; fi

# The number that a JSON text gives a key first, at any indentation.
number() { grep -o "\"$2\": *[0-9]*" "$1" | head -n 1 | grep -o '[0-9]*$'; }

# Speed without the right answer counts for nothing: what was planted must be what is found. The same run shows the memory, in all
# and without the pages of the mapped file, which the system takes back when it likes.
answer() {
    local found=$scratch/found.json peak=0 anonymous=0 status=0 key value pid
    "$tiebreak" check "$file" --format json --output "$found" --fail-on never >/dev/null &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        while read -r key value _; do
            case $key in
                VmHWM:) peak=$value ;;
                RssAnon:) ((value > anonymous)) && anonymous=$value ;;
            esac
        done < <(cat "/proc/$pid/status" 2>/dev/null)
        sleep 0.02
    done
    wait "$pid" || status=$?
    [[ $status == 0 ]] || fail "tiebreak could not check $file (exit code $status)"
    for key in parameters lockstep stuck; do
        [[ $(number "$found" "$key") == $(number "$(dirname "$file")/planted.json" "$key") ]] || fail "$file: tiebreak counts another number of \`$key\` than was planted"
    done
    memory="$((peak / 1024)) MB at most, $((anonymous / 1024)) MB of it not of the file"
}

median() { printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

echo "$rounds rounds of each program in turn, $family, $dtype, $(nproc) processors; files in the page cache; seconds are medians of whole processes"
before='' beforehand=''
for size in "$@"; do
    home=$folder/$family-$size-$dtype
    for option in "${more[@]}"; do home+=-${option#--}; done
    file=$home/model.safetensors
    [[ -f $home/planted.json ]] || { rm -rf "$home"; dotnet "$maker" --family "$family" --parameters "$size" --dtype "$dtype" "${more[@]}" "$home" >&2; }
    cat "$file" >/dev/null
    answer

    declare -A seconds=()
    for ((round = 0; round < rounds; round++)); do
        for ((k = 0; k < ${#tools[@]}; k++)); do
            tool=${tools[(round + k) % ${#tools[@]}]} # none is always the first
            start=$EPOCHREALTIME
            run "$tool" >/dev/null
            end=$EPOCHREALTIME
            seconds[$tool]+=" $(awk -v a="$start" -v b="$end" 'BEGIN { print b - a }')"
        done
    done

    bytes=$(stat -c %s "$file")
    own=$(median ${seconds[tiebreak]})
    parameters=$(number "$home/planted.json" parameters)
    printf '\n%s parameters, %s bytes; tiebreak: the %s planted ties found, %s\n' "$parameters" "$bytes" "$(grep -c '"kind"' "$home/planted.json")" "$memory"
    if [[ $before ]]; then awk -v n="$before" -v s="$beforehand" -v m="$parameters" -v t="$own" 'BEGIN { printf "time grows from the size before with the power %.2f of the parameters\n", log(t / s) / log(m / n) }'; fi
    before=$parameters beforehand=$own
    echo
    printf '| program | seconds | GB/s | tiebreak takes |\n|---|---:|---:|---:|\n'
    for tool in "${tools[@]}"; do
        awk -v tool="$tool" -v s="$(median ${seconds[$tool]})" -v own="$own" -v bytes="$bytes" \
            'BEGIN { printf "| %s | %.3f | %.2f | %s |\n", tool, s, bytes / s / 1e9, tool == "tiebreak" ? "" : sprintf("%.2f times as long", own / s) }'
    done
done
