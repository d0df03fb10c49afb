/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* iosonde doctor: what works here, and why the rest doesn't. */
#ifndef IOSONDE_DOCTOR_H
#define IOSONDE_DOCTOR_H

/* Runs with @argv (argv[0] is ignored). Returns the exit status of the process. */
int doctor(int argc, char **argv);

#endif
