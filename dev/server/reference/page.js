// Renders the contract with Swagger UI, and sends the token of the chosen sample user.
const settings = JSON.parse(document.getElementById("settings").textContent);
const contract = settings.document;
const buttons = [...document.querySelectorAll("button[data-token]")];
const dark = matchMedia("(prefers-color-scheme: dark)");

function followColorScheme() {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

function choose(chosen) {
  ui.preauthorizeApiKey(settings.scheme, chosen.dataset.token);
  buttons.forEach((button) => button.setAttribute("aria-pressed", button === chosen));
}

if (contract.servers[0].url === "/") contract.servers[0].url = location.origin;
followColorScheme();
dark.addEventListener("change", followColorScheme);
buttons.forEach((button) => button.addEventListener("click", () => choose(button)));

const ui = SwaggerUIBundle({
  spec: contract,
  dom_id: "#reference",
  validatorUrl: null, // the default sends the contract's address to a public validator
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  supportedSubmitMethods: settings.canTry ? ["get", "post", "put", "delete"] : [],
  tryItOutEnabled: settings.canTry,
  onComplete: () => buttons.length && choose(buttons[0]),
});
