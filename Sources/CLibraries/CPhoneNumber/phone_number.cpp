#include "CPhoneNumber.h"

#include <cstring>
#include <phonenumbers/phonenumberutil.h>
#include <string>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

operadora_phone_status operadora_phone_normalize(const char *text, const char *region, char *e164, size_t capacity) {
    const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
    PhoneNumber number;
    switch (util->Parse(text, region, &number)) {
    case PhoneNumberUtil::NO_PARSING_ERROR: break;
    case PhoneNumberUtil::INVALID_COUNTRY_CODE_ERROR: return OPERADORA_PHONE_INVALID_COUNTRY;
    case PhoneNumberUtil::TOO_SHORT_AFTER_IDD:
    case PhoneNumberUtil::TOO_SHORT_NSN: return OPERADORA_PHONE_TOO_SHORT;
    case PhoneNumberUtil::TOO_LONG_NSN: return OPERADORA_PHONE_TOO_LONG;
    default: return OPERADORA_PHONE_NOT_A_NUMBER;
    }
    // E.164 has no place for it: dialling without it would reach somebody else.
    if (number.has_extension()) return OPERADORA_PHONE_HAS_EXTENSION;
    switch (util->IsPossibleNumberWithReason(number)) {
    case PhoneNumberUtil::IS_POSSIBLE: break;
    case PhoneNumberUtil::IS_POSSIBLE_LOCAL_ONLY: return OPERADORA_PHONE_LOCAL_ONLY;
    case PhoneNumberUtil::INVALID_COUNTRY_CODE: return OPERADORA_PHONE_INVALID_COUNTRY;
    case PhoneNumberUtil::TOO_SHORT: return OPERADORA_PHONE_TOO_SHORT;
    case PhoneNumberUtil::TOO_LONG: return OPERADORA_PHONE_TOO_LONG;
    default: return OPERADORA_PHONE_INVALID_LENGTH;
    }
    std::string formatted;
    util->Format(number, PhoneNumberUtil::E164, &formatted);
    if (formatted.size() + 1 > capacity) return OPERADORA_PHONE_TOO_LONG;
    std::memcpy(e164, formatted.c_str(), formatted.size() + 1);
    return OPERADORA_PHONE_OK;
}

int operadora_phone_knows_region(const char *region) {
    return PhoneNumberUtil::GetInstance()->GetCountryCodeForRegion(region) != 0;
}
