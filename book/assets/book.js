'use strict';
// The bar, the questions that cover what follows, and buttons that copy commands.
(() => {
    const zh = document.documentElement.lang.startsWith('zh');
    const say = (en, chinese) => zh ? chinese : en;

    // The bar belongs into the menu; without scripts it stays above it.
    const bar = document.getElementById('trial-bar');
    const menu = document.querySelector('.menu-bar .right-buttons');
    if (bar && menu) { menu.prepend(bar); }

    // Keep the other language on the same section, where the sections go side by side.
    const other = document.getElementById('trial-other');
    const sections = () => Array.from(document.querySelectorAll('main h2'));
    if (other) {
        other.addEventListener('click', () => {
            const passed = sections().filter(it => it.getBoundingClientRect().top < 120).length;
            other.href = other.href.split('#')[0] + (passed ? '#section-' + passed : '');
        });
    }
    const wanted = /^#section-(\d+)$/.exec(location.hash);
    if (wanted) {
        const section = sections()[wanted[1] - 1];
        if (section) { section.scrollIntoView(); }
    }

    // A question covers everything behind it, until it is answered or skipped.
    const first = document.querySelector('main .predict');
    const covered = [];
    if (first && !location.hash) {
        let next = first.nextElementSibling;
        for (; next; next = next.nextElementSibling) { covered.push(next); }
        covered.forEach(it => it.classList.add('covered'));
        const skip = document.createElement('button');
        skip.type = 'button';
        skip.className = 'uncover';
        skip.textContent = say('Skip the question', '跳过提问');
        skip.addEventListener('click', uncover);
        first.after(skip);
    }
    function uncover() {
        covered.splice(0).forEach(it => it.classList.remove('covered'));
        document.querySelectorAll('.uncover').forEach(it => it.remove());
    }
    window.addEventListener('hashchange', uncover);
    document.querySelectorAll('.predict').forEach(predict => {
        const buttons = Array.from(predict.querySelectorAll('ol button'));
        const answer = predict.querySelector('details');
        const right = Number(predict.dataset.answer);
        buttons.forEach((button, at) => button.addEventListener('click', () => {
            buttons.forEach(it => it.classList.remove('right', 'wrong'));
            button.classList.add(at === right ? 'right' : 'wrong');
            buttons[right].classList.add('right');
            answer.open = true;
            if (predict === first) { uncover(); }
        }));
    });

    document.querySelectorAll('.console .command').forEach(command => {
        const text = command.querySelector('code').textContent;
        const button = document.createElement('button');
        button.type = 'button';
        button.className = 'copy';
        button.textContent = say('copy', '复制');
        button.addEventListener('click', () => {
            const area = document.createElement('textarea');
            area.value = text;
            document.body.append(area);
            area.select();
            document.execCommand('copy');
            area.remove();
            button.textContent = '✓';
        });
        command.prepend(button);
    });
})();
