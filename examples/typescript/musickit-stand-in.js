// Acts as MusicKit on the Web for `make run`, without an account. Never publish it.
// `?user=expired` signs in as sample-user-token-expired; docs/local.md lists the sample users.
let configured = false;

globalThis.MusicKit = {
  /** Checks the developer token like Apple, except for its signature. */
  async configure({ developerToken, app }) {
    const encoded = developerToken.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const { exp, origin = [location.origin] } = JSON.parse(atob(encoded));
    if (exp * 1000 <= Date.now()) throw new Error("Initialized with an expired token");
    if (!origin.includes(location.origin)) throw new Error("The token is for another origin");
    configured = Boolean(app.name);
    return this.getInstance();
  },

  getInstance: () => ({
    /** Returns the user's token; the real MusicKit opens a window in which the user signs in. */
    async authorize() {
      if (!configured) throw new Error("MusicKit is not configured");
      const user = new URLSearchParams(location.search).get("user") ?? "ada";
      return `sample-user-token-${user}`;
    },
    async unauthorize() {},
  }),
};

document.dispatchEvent(new Event("musickitloaded"));
