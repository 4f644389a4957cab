#pragma once
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Why a text is not a phone number that can be dialled.
typedef enum {
    OPERADORA_PHONE_OK = 0,
    OPERADORA_PHONE_NOT_A_NUMBER,
    OPERADORA_PHONE_INVALID_COUNTRY,
    OPERADORA_PHONE_TOO_SHORT,
    OPERADORA_PHONE_TOO_LONG,
    OPERADORA_PHONE_INVALID_LENGTH,
    OPERADORA_PHONE_LOCAL_ONLY,
    OPERADORA_PHONE_HAS_EXTENSION,
} operadora_phone_status;

/// Normalizes `text` to E.164, reading a number without a country code as one of `region` (ISO 3166 alpha-2, or
/// "ZZ" for none). Writes at most `capacity` bytes, NUL included, to `e164`. Thread-safe.
operadora_phone_status operadora_phone_normalize(const char *text, const char *region, char *e164, size_t capacity);

/// Whether `region` (ISO 3166 alpha-2, upper case) is a country whose numbers can be read. Thread-safe.
int operadora_phone_knows_region(const char *region);

#ifdef __cplusplus
}
#endif
