#include "pipeline/topics/record_packing.h"

#include <zstd.h>

namespace troupe::topics {
namespace {

constexpr int level = 1;
constexpr size_t min_packed_bytes = 128;
// So much memory is kept from record to record.
constexpr size_t kept_bytes = 1u << 20;

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};

}  // namespace

struct frame_packer::impl {
  std::unique_ptr<ZSTD_CCtx, freed_by<ZSTD_freeCCtx>> context{ZSTD_createCCtx()};
};

frame_packer::frame_packer() : impl_(std::make_unique<impl>()) {}

frame_packer::~frame_packer() = default;

frame_packing frame_packer::pack(std::string_view frames, std::string& out) {
  if (frames.size() >= min_packed_bytes) {
    out.resize(ZSTD_compressBound(frames.size()));
    const size_t n = ZSTD_compressCCtx(impl_->context.get(), out.data(), out.size(), frames.data(),
                                       frames.size(), level);
    if (!ZSTD_isError(n) && n < frames.size()) {
      out.resize(n);
      return frame_packing::zstd;
    }
  }
  out = frames;
  return frame_packing::none;
}

uint64_t frame_packer::memory_bytes() const {
  return ZSTD_sizeof_CCtx(impl_->context.get());
}

struct frame_unpacker::impl {
  std::unique_ptr<ZSTD_DCtx, freed_by<ZSTD_freeDCtx>> context{ZSTD_createDCtx()};
  std::string frames;
};

frame_unpacker::frame_unpacker() : impl_(std::make_unique<impl>()) {}

frame_unpacker::~frame_unpacker() = default;

result<std::string_view> frame_unpacker::unpack(const record_parts& record) {
  if (record.packing == frame_packing::none)
    return record.frames;
  const std::string_view packed = record.frames;
  // The size is in front; unknown and invalid ones are above the limit, too.
  const uint64_t size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (size > max_record_bytes)
    return {errc::corruption, "record of troupe: packed frames claim an impossible size"};
  std::string& out = impl_->frames;
  if (out.capacity() > kept_bytes)
    out = std::string();
  out.resize(size);
  const size_t n = ZSTD_decompressDCtx(impl_->context.get(), out.data(), out.size(), packed.data(),
                                       packed.size());
  if (ZSTD_isError(n) || n != size)
    return {errc::corruption, "record of troupe: frames do not unpack"};
  return std::string_view(out);
}

uint64_t frame_unpacker::memory_bytes() const {
  return ZSTD_sizeof_DCtx(impl_->context.get()) + impl_->frames.capacity();
}

}  // namespace troupe::topics
