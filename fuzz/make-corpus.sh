#!/usr/bin/env bash
# Makes corpus/: a few kilobytes of every container and codec that is decoded, and of every kind of ink. Needs sox and
# ffmpeg. The files are committed; run this only to change them.
set -euo pipefail
cd "$(dirname "$0")/corpus"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sox -R -n -r 16000 -c 1 -b 16 "$work/tone.wav" synth 0.1 sine 200 vol 0.25
cp "$work/tone.wav" voice/pcm16.wav
sox -R -D "$work/tone.wav" -r 8000 -b 8 -c 2 voice/pcm8-stereo.wav
sox -R -D "$work/tone.wav" -e floating-point -b 32 -r 8000 voice/float.wav
encode() { ffmpeg -nostdin -loglevel error -y -i "$work/tone.wav" -map_metadata -1 -fflags +bitexact -flags +bitexact "$@"; }
encode -c:a flac voice/tone.flac
encode -c:a libmp3lame -b:a 32k voice/tone.mp3
encode -c:a libvorbis -q:a 0 voice/tone.ogg
encode -ar 48000 -c:a libopus -b:a 16k voice/tone.opus
encode -ar 48000 -c:a libopus -b:a 16k voice/tone.webm
encode -c:a aac -b:a 32k voice/tone.m4a

cat >inkml/trace.inkml <<'INK'
<?xml version="1.0"?><ink xmlns="http://www.w3.org/2003/InkML">
<traceFormat><channel name="X" type="decimal"/><channel name="Y" type="decimal"/><channel name="T" type="decimal" units="ms"/></traceFormat>
<trace>10 0 0, 9 14 10, 8 28 20, 7 42 30</trace><trace>20 0 500, 21 4 510, 25 9 520</trace></ink>
INK
cat >table/table.csv <<'INK'
t,x,y,pressure
0,1,2,0.5
0.01,1.5,2.5,0.6
0.02,2,3,0.7
INK
cat >uci/spiral.txt <<'INK'
200;204;0;73;910;1732647300;0
200;204;0;218;900;1732647307;0
201;205;0;300;900;1732647314;1
INK
cat >json/lines.ndjson <<'INK'
{"word":"cat","countrycode":"KR","timestamp":"2017-03-01","recognized":true,"key_id":"1","drawing":[[[0,5,9],[0,3,8],[0,16,32]]]}
{"word":"cat","countrycode":"KR","timestamp":"2017-03-01","recognized":true,"key_id":"2","drawing":[[[0,5],[0,3]]]}
INK
cat >json/ink.json <<'INK'
{"format": "ink", "version": 1, "device": "made up", "mm_per_unit": 1.0, "sheet": [216.0, 135.0], "pressure_full": 1.0,
 "pen_up_reported": true, "strokes": [{"t": [0, 0.01, 0.02], "x": [1, 2, 3], "y": [1, 1, 2], "p": [0.1, 0.2, 0.3]}]}
INK
cat >json/digit.ndjson <<'INK'
{"label":"3","donor":"a","writer":"b","pps":100,"strokes":[[[1,2,4],[2,3,3]],[[5,6],[5,7]]]}
INK
printf 'x\ty\n1\t2\n3\t4\n' >table/tabs.tsv
cat >table/lines.csv <<'INK'
line_number,x,y,UTC_Timestamp,seconds,epoch_time_in_seconds_start
0,49.1,50.2,1,0.0,1
0,49.5,51.0,1,0.02,
1,50,52,1,0.5,
INK
echo 'no ink at all' >look/words.txt
printf '\xef\xbb\xbft,x,y\n0,1,2\n0.1,2,3\n' >look/marked.csv
echo '[[1,2],[3,4]]' >look/list.json
sox -R -n -r 16000 -c 1 -b 16 "$work/long.wav" synth 0.5 sine 200 vol 0.25
sox -R "$work/long.wav" -t raw -e signed -b 16 -L measure/tone.raw
