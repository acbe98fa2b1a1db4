'use strict';
// Finds every word of what is typed in a section, letter by letter: Chinese as well as English.
(() => {
    const box = document.getElementById('trial-search');
    const found = document.getElementById('trial-found');
    if (!box || !found) { return; }
    const zh = document.documentElement.lang.startsWith('zh');
    const SHOWN = 12;
    const AROUND = 40;
    let texts = null;
    box.hidden = false;
    box.placeholder = zh ? '搜索（按 /）' : 'Search (press /)';

    box.addEventListener('focus', load);
    box.addEventListener('input', load);
    box.addEventListener('keydown', event => {
        const links = Array.from(found.querySelectorAll('a'));
        const at = links.findIndex(it => it.classList.contains('at'));
        if (event.key === 'Escape') {
            box.value = '';
            show();
            box.blur();
        } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
            event.preventDefault();
            const next = (at + (event.key === 'ArrowDown' ? 1 : links.length)) % links.length || 0;
            links.forEach((it, place) => it.classList.toggle('at', place === next));
            if (links[next]) { links[next].scrollIntoView({ block: 'nearest' }); }
        } else if (event.key === 'Enter' && links.length) {
            location.href = links[Math.max(at, 0)].href;
        }
        event.stopPropagation();
    });
    document.addEventListener('keydown', event => {
        const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
        if (event.key === '/' && !typing) {
            event.preventDefault();
            box.focus();
        }
    });
    document.addEventListener('click', event => {
        if (!event.target.closest('#trial-bar')) { found.hidden = true; }
    });

    // The texts come as a script: pages that lie in a folder may not fetch anything else.
    function load() {
        if (texts || document.getElementById('trial-texts')) { return show(); }
        const script = document.createElement('script');
        script.id = 'trial-texts';
        script.src = path_to_root + 'searchtext.js';
        script.addEventListener('load', () => {
            texts = window.bookText.map(it => it.concat((it[2] + ' ' + it[3] + ' ' + it[4]).toLowerCase()));
            show();
        });
        document.head.append(script);
    }

    function hits(words) {
        const ranked = [];
        for (const [page, anchor, title, head, text, all] of texts) {
            if (!words.every(word => all.includes(word))) { continue; }
            let rank = 0;
            for (const word of words) {
                if (title.toLowerCase().includes(word)) { rank += anchor ? 4 : 9; }
                if (head.toLowerCase().includes(word)) { rank += 6; }
                rank += Math.min(all.split(word).length - 1, 4);
            }
            ranked.push({ page, anchor, title, head, text, rank });
        }
        return ranked.sort((one, other) => other.rank - one.rank);
    }

    function show() {
        const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
        found.replaceChildren();
        found.hidden = words.length === 0 || !texts;
        if (found.hidden) { return; }
        const all = hits(words);
        all.slice(0, SHOWN).forEach(hit => {
            const link = document.createElement('a');
            link.href = path_to_root + hit.page + '#' + (hit.anchor || 'top');
            const name = document.createElement('strong');
            name.textContent = hit.head ? hit.title + ' › ' + hit.head : hit.title;
            const line = document.createElement('small');
            marked(line, hit.text, words);
            link.append(name, line);
            found.append(link);
        });
        const count = document.createElement('small');
        count.textContent = zh ? `找到 ${all.length} 节` : `${all.length} sections`;
        found.append(count);
    }

    function marked(line, text, words) {
        const lower = text.toLowerCase();
        const word = words.find(it => lower.includes(it));
        const at = word ? lower.indexOf(word) : 0;
        const from = Math.max(0, at - AROUND);
        const end = at + (word || '').length;
        const mark = document.createElement('mark');
        mark.textContent = text.slice(at, end);
        line.append((from ? '…' : '') + text.slice(from, at), mark, text.slice(end, end + 2 * AROUND) + '…');
    }
})();
