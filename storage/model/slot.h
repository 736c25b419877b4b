// Identity: which of the 256 slots a series belongs to. A pure function of tenant and final labels,
// part of every disk and wire format: never change it (storage/docs/identity.md).
#pragma once

#include "storage/model/labels.h"

#include <cstdint>
#include <string_view>

namespace troupe {

inline constexpr uint32_t slot_count = 256;
inline constexpr uint64_t slot_hash_seed = 0x74726f757065'0001ULL;  // "troupe", version 1

/// XXH3(seed, tenant 0xff job 0xff instance 0xff) mod 256 if the labels job and instance are both
/// non-empty, else XXH3(seed, tenant 0xff label blob) mod 256.
uint16_t slot_of(std::string_view tenant, const labels& series);

}  // namespace troupe
