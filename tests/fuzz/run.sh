#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every fuzzer for a bounded time, from a few seeds written here. A finding is left beside the fuzzer as
# <fuzzer>.crash, and `<fuzzer> <file>` repeats it.
#
#   run.sh DIRECTORY-OF-THE-FUZZERS SECONDS SIMULATOR
#
# For fuzz_stack_input there are besides conversations of the simulator's.
set -u
dir=$1 seconds=$2 sim=$3
passed=0 failed=0
tmp=$(mktemp -d)
# shellcheck disable=SC2046
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM

seed() { # FUZZER NAME FORMAT: a seed, written by printf
	mkdir -p "$tmp/$1"
	# shellcheck disable=SC2059
	printf "$3" > "$tmp/$1/$2"
}

# A record is hints, length (2), packet. 0xf7: all headers put right, checksum trusted, 100 s, then output.
ip='\105\0\0\050\0\0\100\0\100\006\0\0\012\0\0\001\012\0\0\002'
syn='\300\0\0\120\0\0\0\001\0\0\0\0\120\002\377\377\0\0\0\0'
ack='\300\0\0\120\0\0\0\002\0\0\0\001\120\020\377\377\0\0\0\0'
fin='\300\0\0\120\0\0\0\002\0\0\0\001\120\021\377\377\0\0\0\0'
rst='\300\0\0\120\0\0\0\002\0\0\0\001\120\004\377\377\0\0\0\0'
head='\227\0\050'
seed fuzz_stack_input handshake "$head$ip$syn$head$ip$ack"
seed fuzz_stack_input close "$head$ip$syn$head$ip$ack$head$ip$fin"
seed fuzz_stack_input reset "$head$ip$syn$head$ip$ack$head$ip$rst"
seed fuzz_stack_input data "$head$ip$syn\227\0\054$ip${ack}abcd\227\0\054$ip${ack}efgh"
seed fuzz_stack_input options "\207\0\074$ip\300\0\0\120\0\0\0\001\0\0\0\0\240\002\377\377\0\0\0\0\002\004\005\264\004\002\010\012\0\0\0\001\0\0\0\0\001\003\003\007"

# The same records. 0x02: IPv6, 0x06: with a fragment header, 0x01: IPv4; 0x10: a multiple of eight; 0x80: output.
six='\140\0\0\0\0\0\0\100\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
echo6='\200\0\174\100\0\0\0\0'
tcp6='\140\0\0\0\0\0\006\100\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
frag4='\105\0\0\0\0\001\040\0\100\0\0\0\0\0\0\0\0\0\0\0'
last4='\105\0\0\0\0\001\0\001\100\0\0\0\0\0\0\0\0\0\0\0'
seed fuzz_stack_ip syn "\212\0\074$tcp6$syn"
seed fuzz_stack_ip options "\202\0\104$six\073\001\001\004\0\0\0\0\036\002\0\0\0\0\0\0\300\001\0\0\0\0\0\0"
seed fuzz_stack_ip fragments "\026\0\070$six\072\0\0\001\0\0\0\001$echo6\206\0\064$six\072\0\0\010\0\0\0\001abcd"
seed fuzz_stack_ip overlap "\026\0\070$six\072\0\0\011\0\0\0\001$echo6\346\0\070$six\072\0\0\011\0\0\0\001abcdefgh"
seed fuzz_stack_ip fragments4 "\021\0\034$frag4\010\0\367\377\0\0\0\0\201\0\030${last4}abcd"

# Operations: 0 SYN, 1 segment, 4 SACK, 6 time, 7 events, 8 connect, 9 listen, 11 call, 14 turn.
open='\000\007\016\001\000\000\007'
seed fuzz_stack_ops open "$open"
seed fuzz_stack_ops echo "$open\001\001\001\000\144\016\007\013\000\000\000\377\013\000\001\000\144\000\016"
seed fuzz_stack_ops close "$open\013\000\007\016\001\000\002\016"
seed fuzz_stack_ops peer-first "$open\001\000\002\016\007\013\000\007\016\001\000\000"
seed fuzz_stack_ops half-close "$open\013\000\002\016\001\001\001\000\144\016\006\377"
seed fuzz_stack_ops connect '\010\000\016\001\000\006\016\007\013\000\001\020\000\000\016'
seed fuzz_stack_ops zero-window "$open\001\002\000\000\000\013\000\001\020\000\000\016\006\020\016\006\020\016"
data="$open\013\000\001\116\040\000\016"
seed fuzz_stack_ops sack "$data\004\200\100\200\016"
seed fuzz_stack_ops sack-many "$data\004\203\040\060\100\120\140\160\200\220\016\006\024\016"
seed fuzz_stack_ops dsack "$data\001\000\000\016\004\021\100\200\240\260\012\001\000\016"
seed fuzz_stack_ops renege "$data\004\200\100\200\016\006\031\016\004\200\000\000\016\006\031\016"
seed fuzz_stack_ops timestamps "\000\007\016\001\100\000\005\000\000\007\013\000\001\116\040\000\016\001\100\000\377\000\000\016"
seed fuzz_stack_ops abort "$open\013\000\010\016"

crlf='\r\n'
seed fuzz_http get "0GET /a HTTP/1.1${crlf}Host: x${crlf}${crlf}"
seed fuzz_http pipelined "1GET / HTTP/1.1${crlf}Host: x${crlf}${crlf}HEAD /d/ HTTP/1.1${crlf}Host: x${crlf}Connection: close${crlf}${crlf}"
seed fuzz_http chunked "2GET /in HTTP/1.1${crlf}Host: x${crlf}Transfer-Encoding: chunked${crlf}${crlf}3;a=b${crlf}abc${crlf}0${crlf}T: x${crlf}${crlf}"
seed fuzz_http length "3GET /empty HTTP/1.1${crlf}Host: x${crlf}Content-Length: 5${crlf}${crlf}12345OPTIONS * HTTP/1.1${crlf}Host: x${crlf}${crlf}"
seed fuzz_http range "4GET /a HTTP/1.1${crlf}Host: x${crlf}Range: bytes=2-5${crlf}If-Range: \"x\"${crlf}${crlf}"
seed fuzz_http conditional "5GET /a HTTP/1.1${crlf}Host: x${crlf}If-None-Match: *${crlf}If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT${crlf}${crlf}"
seed fuzz_http expect "6GET /d HTTP/1.1${crlf}Host: x${crlf}Expect: 100-continue${crlf}Content-Length: 2${crlf}${crlf}ab"
seed fuzz_http old "7GET http://x/%%61?q HTTP/1.0${crlf}Connection: keep-alive${crlf}${crlf}"
seed fuzz_http preface "9PRI * HTTP/2.0${crlf}${crlf}SM${crlf}x"
seed fuzz_http bad "8GET /%%2e%%2e/out HTTP/1.1${crlf}Host : x${crlf}${crlf}"

# Operations: 0 to 15 a frame of that type with flags, stream, length, payload; 16 a request, 17 and 18 take output,
# 19 time, 20 drain, 21 the client's end, 22 bytes, 23 PRIORITY_UPDATE. Flags: 1 END_STREAM or ACK, 4 END_HEADERS.
get='\020\005\001\000'
seed fuzz_h2 get "0$get\022"
seed fuzz_h2 either "1$get\022\024\022"
seed fuzz_h2 head "0\001\005\001\012\002\004HEAD\206\204\101\022"
seed fuzz_h2 windows "0\004\000\000\006\000\004\000\000\000\007\020\005\003\000\022\010\000\003\004\000\000\000\377\022\023\074\022"
seed fuzz_h2 upload "0\020\004\001\000\000\000\001\005hello\000\001\001\003end\022"
seed fuzz_h2 too-much "0\020\004\001\000\000\000\001\377\000\001\001\377\022\023\001\022"
seed fuzz_h2 continued "0\020\001\001\000\011\004\001\003\100\001a\022"
seed fuzz_h2 reset "0$get\003\000\001\004\000\000\000\010\022"
seed fuzz_h2 priority "0\027\000\000\007\000\000\000\001u=1$get\022"
seed fuzz_h2 goaway "0$get\007\000\000\010\000\000\000\000\000\000\000\000\022"
seed fuzz_h2 drain "0$get\021\100\024\022\006\001\000\010shutdown\022"
seed fuzz_h2 end "0$get\025"

# The first byte: 1 no links, 2 dotfiles, 4 clean URLs, 8 listing, 16 fallback, 32 navigation, 64 no openat2.
seed fuzz_path file '\000/a/b/f'
seed fuzz_path dots '\000/a/./b/../%%2e%%2e/up/../outside.html'
seed fuzz_path links '\000/ind/b//f.html'
seed fuzz_path no-links '\101/n/in.html'
seed fuzz_path hidden '\002/.dir/f.html'
seed fuzz_path well-known '\000/.well-known/f'
seed fuzz_path clean '\004/n/g.html.html'
seed fuzz_path both '\004/both/'
seed fuzz_path listing '\010/c%%20d/'
seed fuzz_path fallback '\060/users/1'

seed fuzz_range several "\020\047\0\0\0\0\0\0\0400-0,9999-,-1"
seed fuzz_range overlap "\020\047\0\0\0\0\0\0\010 0-499 , 400-600,20000-,5-2"
seed fuzz_encoding browser "\017gzip, deflate, br;q=0.9, zstd"
seed fuzz_encoding none "\010identity;q=0, *;q=0.5\nx-gzip ; q=1.000"
seed fuzz_mime types "1text/html html htm\n# no\napplication/x-a;b=c d e.f\n"
seed fuzz_mime globs "050:text/x-c:*.c\n50:a/b:*.d:cs\n50:a/b:READ*\n"

seed fuzz_config sites "root = /a\ncert = c\nkey = k\n[site a.test *.b.test [fd00::1]]\nredirect = /a/* /b/* 308\nredirect = /c https://d.test/\nheader = X-A: b\n"
seed fuzz_config rules "hsts = 300, preload\ncache = /a/** max-age=1\ncors = https://a.test\ncors-headers = X\nauth = /a users \"A b\"\n"
cp "$(dirname "$0")/../../deploy/tunhttpd.conf.example" "$tmp/fuzz_config/example"

for group in hostile tamper close-order drop flood; do
	if ! "$sim" --only "$group" --corpus "$tmp/fuzz_stack_input" > "$tmp/sim.log" 2>&1; then
		tail -n 20 "$tmp/sim.log"
		echo "FAILED to make a corpus of the simulator's group $group"
		failed=$((failed + 1))
	fi
done

tests/fuzz/tls_seeds.py "$tmp/fuzz_tls" || { echo "FAILED to make seeds for fuzz_tls"; failed=$((failed + 1)); }

run_one() { # FUZZER: its exit status goes to a file
	TMPDIR="$tmp" "$dir/$1" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=2048 -max_len=4096 \
		-print_final_stats=1 -exact_artifact_path="$dir/$1.crash" "$tmp/$1" >"$tmp/$1.log" 2>&1
	echo $? >"$tmp/$1.status"
}

tell() { # FUZZER
	if [ "$(cat "$tmp/$1.status")" = 0 ]; then
		passed=$((passed + 1))
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$tmp/$1.log")
		printf '  %-20s %10s runs\n' "$1" "$runs"
	else
		failed=$((failed + 1))
		grep -v '^#[0-9]' "$tmp/$1.log" | tail -n 60
		echo "FAILED $1; again: $dir/$1 $dir/$1.crash"
	fi
}

# One for each core at a time.
cores=$(nproc)
running=
for fuzzer in fuzz_stack_input fuzz_stack_ip fuzz_stack_ops fuzz_http fuzz_h2 fuzz_encoding fuzz_range fuzz_mime fuzz_path \
	fuzz_tls fuzz_config last; do
	# shellcheck disable=SC2086
	set -- $running
	if [ $# -ge "$cores" ] || [ "$fuzzer" = last ]; then
		wait
		for done in "$@"; do tell "$done"; done
		running=
	fi
	[ "$fuzzer" != last ] || break
	run_one "$fuzzer" &
	running="$running $fuzzer"
done
echo "fuzz: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
