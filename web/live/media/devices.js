/** Lists microphones, loudspeakers and cameras. */

/** @typedef {{id: string, label: string}} Device `label` is empty until the person has allowed such a device once */
/** @typedef {{microphones: Device[], speakers: Device[], cameras: Device[]}} Devices */

/** @returns {Promise<Devices>} loudspeakers only if the browser can choose one */
export async function listDevices() {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  /** @param {MediaDeviceKind} kind */
  const of = (kind) =>
    // Before anything is allowed, browsers list one device without an id for each kind that exists.
    devices.filter((device) => device.kind === kind && device.deviceId).map(({ deviceId: id, label }) => ({ id, label }));
  return {
    microphones: of('audioinput'),
    speakers: 'setSinkId' in AudioContext.prototype ? of('audiooutput') : [],
    cameras: of('videoinput'),
  };
}
