/** Whether the browser refuses the script at hand every request. */

/**
 * Try to reach the portal. Being offline refuses that too, but not the second request, which needs no network: only a
 * policy forbids both.
 *
 * @returns {Promise<boolean>}
 */
export async function isNetworkRefused() {
  const tried = await Promise.allSettled([
    fetch(self.location.href, { method: "HEAD", cache: "no-store" }),
    fetch("data:,"),
  ]);
  return tried.every(({ status }) => status === "rejected");
}
