#!/bin/sh
# Cuts the font of the plots down to the letters they use.
#
# Needs fonttools (`pip install fonttools`) and NotoSansCJK-Regular.ttc, Version 2.004, of
# https://github.com/notofonts/noto-cjk (in Debian: the package fonts-noto-cjk). Face 2 of
# the collection is Noto Sans CJK SC. Letters: ASCII, the signs below, and every Chinese
# character that the sources of reports and the library name.
set -eu
collection=$1
here=$(dirname "$0")
letters=$(mktemp)
printf '%s' '–—×·±≤≥√…°µ→←↑↓▲▼●○■□◆◇✓✗①②③④“”‘’（），。：；？！、《》「」％' > "$letters"
cat "$here"/../src/plots/*.rs "$here"/../src/words/*.rs "$here"/extra.txt |
    grep -oP '\p{Han}' | sort -u | tr -d '\n' >> "$letters"
pyftsubset "$collection" --font-number=2 --text-file="$letters" --unicodes=U+0020-007E,U+00A0,U+00B7 \
    --layout-features=kern --no-hinting --desubroutinize --name-IDs=0,1,2,5,13,14 \
    --output-file="$here"/NotoSansCJKsc-plots.otf
rm "$letters"
