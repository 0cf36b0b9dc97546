// Light or dark: the system's choice until the operator makes one, which this browser then remembers.
(() => {
  const root = document.documentElement;
  const kept = localStorage.getItem("tapline-theme");
  if (kept === "light" || kept === "dark") {
    root.dataset.theme = kept;
  }
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-theme-toggle]")) {
      return;
    }
    const isDark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
    localStorage.setItem("tapline-theme", root.dataset.theme);
  });
})();
