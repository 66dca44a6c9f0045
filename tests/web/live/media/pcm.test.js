import assert from 'node:assert/strict';
import { test } from 'node:test';

// The module as it lies in web/, or as a service has sent it.
/** @type {typeof import('../../../../web/live/media/pcm.js')} */
const pcm = await import(process.env.PCM_MODULE ?? '../../../../web/live/media/pcm.js');
const { CAPTURE_RATE, PLAYBACK_RATE, Resampler, loudness, toFloat, toInt16 } = pcm;

/** @param {number} frequency @param {number} rate @param {number} seconds */
function tone(frequency, rate, seconds) {
  return Float32Array.from({ length: rate * seconds }, (_, i) => Math.sin((2 * Math.PI * frequency * i) / rate));
}

/** The gain from the tone's power in to all power out, in decibels, so that aliases and images count too. */
function gain(/** @type {number} */ frequency, /** @type {number} */ from, /** @type {number} */ to) {
  const seconds = 0.25;
  const output = new Float32Array(to * seconds + 8);
  const written = new Resampler(from, to).resample(tone(frequency, from, seconds), from * seconds, output);
  const settled = output.subarray(Math.round(to * 0.05), written);
  return 10 * Math.log10((2 * settled.reduce((sum, x) => sum + x * x, 0)) / settled.length);
}

for (const rate of [44_100, 48_000, 96_000]) {
  test(`speech passes from ${rate} Hz to 16 kHz`, () => {
    for (let frequency = 100; frequency <= 7000; frequency += 97) {
      assert.ok(Math.abs(gain(frequency, rate, CAPTURE_RATE)) < 0.1, `${frequency} Hz`);
    }
  });

  test(`aliases are suppressed from ${rate} Hz to 16 kHz`, () => {
    for (let frequency = 8600; frequency < rate / 2; frequency += 91) {
      assert.ok(gain(frequency, rate, CAPTURE_RATE) < -60, `${frequency} Hz`);
    }
  });

  test(`a microphone at ${rate} Hz costs less than 2 % of a core`, (t) => {
    const resampler = new Resampler(rate, CAPTURE_RATE);
    const quantum = tone(997, rate, 1).subarray(0, 128);
    const output = new Float32Array(128);
    const pass = (/** @type {number} */ seconds) => {
      for (let i = 0; i < (seconds * rate) / 128; i += 1) resampler.resample(quantum, 128, output);
    };
    pass(5);
    const before = process.cpuUsage();
    pass(60);
    const { user, system } = process.cpuUsage(before);
    const share = (user + system) / 60e6;
    t.diagnostic(`${(100 * share).toFixed(2)} % of a core`);
    assert.ok(share < 2 * 0.02, 'twice what it may cost, for a machine that others use too');
  });
}

for (const rate of [8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000]) {
  test(`an answer at 24 kHz passes to a device of ${rate} Hz`, () => {
    for (const frequency of [200, 1000, 3000]) {
      assert.ok(Math.abs(gain(frequency, PLAYBACK_RATE, rate)) < 0.1, `${frequency} Hz`);
    }
  });

  test(`a quantum at ${rate} Hz is filled exactly, and the sound is whole`, () => {
    const sound = tone(440, PLAYBACK_RATE, 1);
    const whole = new Float32Array(rate + 8);
    const length = new Resampler(PLAYBACK_RATE, rate).resample(sound, sound.length, whole);
    const piecewise = [];
    const resampler = new Resampler(PLAYBACK_RATE, rate);
    const quantum = new Float32Array(128);
    for (let taken = 0; ; ) {
      const needed = resampler.inputsFor(quantum.length);
      if (taken + needed > sound.length) break;
      assert.equal(resampler.resample(sound.subarray(taken), needed, quantum), quantum.length);
      piecewise.push(...quantum);
      taken += needed;
    }
    assert.ok(length - piecewise.length < 128 * 8, 'all but the last quantum');
    assert.deepEqual(piecewise, [...whole.subarray(0, piecewise.length)]);
  });
}

test('a stream cut anywhere gives the same samples', () => {
  const sound = tone(997, 44_100, 0.5);
  const whole = new Float32Array(8100);
  const length = new Resampler(44_100, CAPTURE_RATE).resample(sound, sound.length, whole);
  const resampler = new Resampler(44_100, CAPTURE_RATE);
  const pieces = [];
  const piece = new Float32Array(1000);
  for (let start = 0, size = 1; start < sound.length; start += size, size = (size * 7) % 301) {
    const input = sound.subarray(start, start + size);
    pieces.push(...piece.subarray(0, resampler.resample(input, input.length, piece)));
  }
  assert.deepEqual(pieces, [...whole.subarray(0, length)]);
});

test('no sample is gained or lost in a minute', () => {
  const resampler = new Resampler(44_100, CAPTURE_RATE);
  const second = new Float32Array(44_100);
  const output = new Float32Array(16_001);
  let total = 0;
  for (let i = 0; i < 60; i += 1) total += resampler.resample(second, second.length, output);
  assert.equal(total, 60 * CAPTURE_RATE);
});

test('a constant stays a constant in every phase', () => {
  const output = new Float32Array(1700);
  const written = new Resampler(44_100, CAPTURE_RATE).resample(new Float32Array(4410).fill(0.5), 4410, output);
  for (const sample of output.subarray(200, written)) assert.ok(Math.abs(sample - 0.5) < 1e-6);
});

test('a reset stream starts like a new one', () => {
  const resampler = new Resampler(48_000, CAPTURE_RATE);
  const first = new Float32Array(200);
  const again = new Float32Array(200);
  const sound = tone(500, 48_000, 0.01);
  resampler.resample(sound, 479, first);
  resampler.reset();
  resampler.resample(sound, 479, again);
  assert.deepEqual(again, first);
});

test('samples that are too loud are clipped, not wrapped', () => {
  assert.deepEqual([1.5, 1, -1, -1.5].map(toInt16), [32767, 32767, -32768, -32768]);
});

test('a 16-bit sample survives conversion to a float and back', () => {
  for (let sample = -32768; sample <= 32767; sample += 1) assert.equal(toInt16(toFloat(sample)) + 0, sample);
});

test('loudness is the root mean square', () => {
  assert.equal(loudness([], 1), 0);
  assert.equal(loudness(new Int16Array(320), 0x8000), 0);
  assert.equal(loudness(new Int16Array(320).fill(-16384), 0x8000), 0.5);
});
