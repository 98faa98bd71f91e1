/** In the page: the texts whose contrast with what is behind them is below 4.5, as WCAG 2.2 AA wants for small text. */
(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const onto = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) =>
    element === null ? ['white'] : [...behind(element.parentElement), getComputedStyle(element).backgroundColor];
  const texts = [...document.querySelectorAll('body *')].filter(
    (element) =>
      element.checkVisibility() &&
      !element.closest('.unseen, .skip') &&
      [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== ''),
  );
  return texts.flatMap((element) => {
    const grounds = behind(element);
    const back = luminance(onto(grounds));
    const front = luminance(onto([...grounds, getComputedStyle(element).color]));
    const contrast = (Math.max(back, front) + 0.05) / (Math.min(back, front) + 0.05);
    return contrast < 4.5 ? [`${contrast.toFixed(2)} ${element.tagName}.${element.className}: ${element.textContent}`] : [];
  });
})();
