import { cpSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { imageFolder, imageNet, preprocessing, type RecordSource, whereabouts } from '@llr/datasets';
import { dispose } from '@tensorflow/tfjs-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { collect } from './helpers.ts';
import { temporaryFolder } from './raw-records.ts';
