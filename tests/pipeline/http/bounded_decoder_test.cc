#include "pipeline/http/bounded_decoder.h"

#include "pipeline/http/gzip_encoder.h"
#include "storage/base/allocator.h"
#include "tests/pipeline/http/raw_socket.h"

#include <gtest/gtest.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <cstring>
#include <latch>
#include <thread>
#include <vector>

namespace troupe::http::test {
namespace {

std::string deflate_of(const std::string& raw, int window_bits) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, raw.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(raw.data()));
  z.avail_in = static_cast<uInt>(raw.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

/// `declare`: with the content size in the frame's header.
std::string zstd_of(const std::string& raw, bool declare, int window_log = 0) {
  ZSTD_CCtx* c = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, declare ? 1 : 0);
  if (window_log != 0)
    ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window_log);
  std::string out(ZSTD_compressBound(raw.size()), '\0');
  ZSTD_inBuffer in{raw.data(), raw.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  if (declare)
    ZSTD_CCtx_setPledgedSrcSize(c, raw.size());
  else
    ZSTD_compressStream2(c, &to, &in, ZSTD_e_continue);
  ZSTD_compressStream2(c, &to, &in, ZSTD_e_end);
  out.resize(to.pos);
  ZSTD_freeCCtx(c);
  return out;
}

std::string snappy_of(const std::string& raw) {
  std::string out;
  snappy::Compress(raw.data(), raw.size(), &out);
  return out;
}

struct named_coding {
  const char* name;
  encoding coding;
  std::string (*pack)(const std::string&);
};

const named_coding codings[] = {
    {"gzip", encoding::gzip, [](const std::string& s) { return gzip(s); }},
    {"deflate", encoding::deflate, [](const std::string& s) { return deflate_of(s, 15); }},
    {"raw deflate", encoding::deflate, [](const std::string& s) { return deflate_of(s, -15); }},
    {"zstd", encoding::zstd, [](const std::string& s) { return zstd_of(s, true); }},
    {"zstd stream", encoding::zstd, [](const std::string& s) { return zstd_of(s, false); }},
    {"snappy", encoding::snappy, snappy_of},
};

/// Text that compresses about as well as an exposition.
std::string sample_text(size_t bytes) {
  std::string out;
  for (uint64_t i = 0, x = 1; out.size() < bytes; ++i) {
    x = x * 6364136223846793005ULL + 1442695040888963407ULL;
    out += "http_requests_total{code=\"200\",path=\"/" + std::to_string(i) + "\"} " +
           std::to_string(x >> 40) + "\n";
  }
  out.resize(bytes);
  return out;
}

TEST(BoundedDecoderTest, GivesBackWhatWasPacked) {
  bounded_decoder decoder(nullptr);
  for (const auto& c : codings) {
    for (size_t n : {0, 1, 100, 65'536, 65'537, 1'000'000}) {
      std::string raw = sample_text(n);
      auto got = decoder.decode(c.coding, c.pack(raw));
      ASSERT_TRUE(got.ok()) << c.name << " " << n << ": " << got.error().to_string();
      EXPECT_TRUE(got->data == raw) << c.name << " " << n;
    }
  }
}

TEST(BoundedDecoderTest, GivesTheSameInMemoryThatHeldABodyBefore) {
  bounded_decoder decoder(nullptr);
  for (const auto& c : codings) {
    std::string spare;
    for (size_t n : {100, 65'536, 10, 0, 65'537, 3'000}) {
      std::string raw = sample_text(n);
      auto got = decoder.decode(c.coding, c.pack(raw), std::move(spare));
      ASSERT_TRUE(got.ok()) << c.name << " " << n << ": " << got.error().to_string();
      EXPECT_TRUE(got->data == raw) << c.name << " " << n;
      spare = std::move(got->data);
    }
  }
}

TEST(BoundedDecoderTest, CapsTheOutputExactly) {
  std::string raw = sample_text(300'000);
  for (const auto& c : codings) {
    std::string packed = c.pack(raw);
    EXPECT_TRUE(bounded_decoder(nullptr, {300'000}).decode(c.coding, packed).ok()) << c.name;
    auto over = bounded_decoder(nullptr, {299'999}).decode(c.coding, packed);
    EXPECT_EQ(over.code(), errc::out_of_bounds) << c.name;
    EXPECT_EQ(http_status_of(over.error()), 413);
  }
  EXPECT_EQ(bounded_decoder(nullptr, {2}).decode(encoding::identity, "abc").code(),
            errc::out_of_bounds);
}

TEST(BoundedDecoderTest, CapsTheRatio) {
  std::string zeros(8 << 20, '\0');
  bounded_decoder decoder(nullptr, {64 << 20, 100});
  for (const auto& c : codings) {
    auto got = decoder.decode(c.coding, c.pack(zeros));
    // Snappy cannot reach a hundredfold.
    errc expected = c.coding == encoding::snappy ? errc::ok : errc::out_of_bounds;
    EXPECT_EQ(got.code(), expected) << c.name << got.error().to_string();
  }
}

TEST(BoundedDecoderTest, RefusesTrailingBytesAndSecondFrames) {
  bounded_decoder decoder(nullptr);
  std::string raw = sample_text(5000);
  for (const auto& c : codings) {
    std::string packed = c.pack(raw);
    for (const std::string& tail : {std::string(1, '\0'), std::string("junk"), packed}) {
      auto got = decoder.decode(c.coding, packed + tail);
      EXPECT_FALSE(got.ok()) << c.name;
      EXPECT_EQ(http_status_of(got.error()), 400) << c.name << got.error().to_string();
    }
  }
}

TEST(BoundedDecoderTest, RefusesEveryTruncation) {
  bounded_decoder decoder(nullptr);
  std::string raw = sample_text(2000);
  for (const auto& c : codings) {
    std::string packed = c.pack(raw);
    for (size_t n = 0; n < packed.size(); ++n)
      ASSERT_FALSE(decoder.decode(c.coding, packed.substr(0, n)).ok()) << c.name << " " << n;
  }
}

TEST(BoundedDecoderTest, NeverGivesWrongBytesForFlippedBits) {
  bounded_decoder decoder(nullptr, {1 << 20});
  std::string raw = sample_text(2000);
  // Gzip alone has a checksum here; the others must only stay within bounds.
  std::string packed = gzip(raw);
  for (size_t i = 0; i < packed.size() * 8; ++i) {
    std::string bad = packed;
    bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << (i % 8)));
    auto got = decoder.decode(encoding::gzip, bad);
    ASSERT_TRUE(!got.ok() || got->data == raw) << i;
  }
}

TEST(BoundedDecoderTest, ChecksDeclaredLengthsBeforeAllocating) {
  int64_t before = resident_bytes();
  bounded_decoder decoder(nullptr, {4ULL << 30, 1'000'000});
  std::string small = gzip("x");
  std::memset(small.data() + small.size() - 4, 0x7f, 4);
  EXPECT_EQ(decoder.decode(encoding::gzip, small).code(), errc::invalid_argument);
  EXPECT_EQ(decoder.decode(encoding::snappy, std::string("\xff\xff\xff\xff\x0f", 5) + "abc").code(),
            errc::out_of_bounds);
  EXPECT_EQ(decoder.decode(encoding::snappy, std::string("\xff\xff\x0f", 3) + "abc").code(),
            errc::invalid_argument);
  EXPECT_LT(grown_since(before), 1 << 20);
}

TEST(BoundedDecoderTest, RefusesLargeWindows) {
  std::string raw = sample_text(1000);
  bounded_decoder decoder(nullptr);
  EXPECT_TRUE(decoder.decode(encoding::zstd, zstd_of(raw, false, 23)).ok());
  auto got = decoder.decode(encoding::zstd, zstd_of(raw, false, 24));
  EXPECT_EQ(got.code(), errc::unsupported);
  EXPECT_EQ(http_status_of(got.error()), 415);
}

TEST(BoundedDecoderTest, ChargesTheWindowToo) {
  auto budget = std::make_shared<byte_budget>(4 << 20);
  bounded_decoder decoder(budget);
  EXPECT_EQ(decoder.decode(encoding::zstd, zstd_of("x", false, 23)).code(),
            errc::resource_exhausted);
  EXPECT_EQ(budget->used(), 0u);
}

TEST(BoundedDecoderTest, HoldsItsChargeAsLongAsTheData) {
  auto budget = std::make_shared<byte_budget>(64 << 20);
  bounded_decoder decoder(budget);
  std::string raw = sample_text(1'000'000);
  for (const auto& c : codings) {
    {
      auto got = decoder.decode(c.coding, c.pack(raw));
      ASSERT_TRUE(got.ok());
      EXPECT_GE(budget->used(), raw.size()) << c.name;
      EXPECT_LE(budget->used(), 2 * raw.size()) << c.name;
    }
    EXPECT_EQ(budget->used(), 0u) << c.name;
  }
}

TEST(BoundedDecoderTest, SixtyFourBombsAtOnceStayWithinTheBudget) {
  tune_allocator();  // as the process does
  auto budget = std::make_shared<byte_budget>(256 << 20);
  bounded_decoder decoder(budget, {64 << 20, 100'000});
  std::string zeros(63 << 20, '\0');
  std::vector<std::string> bombs;
  for (const auto& c : codings)
    bombs.push_back(c.pack(zeros));
  std::atomic<int> fine{0};
  std::atomic<int> refused{0};
  std::atomic<int> odd{0};
  // What the threads themselves take is there before.
  std::latch ready(64), go(1);
  std::vector<std::thread> senders;
  for (size_t i = 0; i < 64; ++i)
    senders.emplace_back([&, i] {
      ready.count_down();
      go.wait();
      const auto& c = codings[i % std::size(codings)];
      auto got = decoder.decode(c.coding, bombs[i % std::size(codings)]);
      if (got.ok() && got->data.size() == zeros.size())
        ++fine;
      else if (!got.ok() && http_status_of(got.error()) == 503)
        ++refused;
      else
        ++odd;
    });
  ready.wait();
  const int64_t before = resident_bytes();
  std::atomic<bool> done{false};
  int64_t highest = 0;
  std::thread watcher([&] {
    while (!done)
      highest = std::max(highest, grown_since(before));
  });
  go.count_down();
  for (auto& s : senders)
    s.join();
  done = true;
  watcher.join();
  EXPECT_EQ(odd, 0);
  EXPECT_GT(fine, 0);
  EXPECT_EQ(fine + refused, 64);
  EXPECT_LE(budget->peak(), 256u << 20);
  EXPECT_EQ(budget->used(), 0u);

  EXPECT_LE(highest, 256 << 20) << "budget peak " << budget->peak();
}

TEST(BoundedDecoderTest, KnowsTheNamesOfCodings) {
  EXPECT_EQ(*parse_encoding(""), encoding::identity);
  EXPECT_EQ(*parse_encoding(" GZIP "), encoding::gzip);
  EXPECT_EQ(*parse_encoding("x-gzip"), encoding::gzip);
  EXPECT_EQ(*parse_encoding("zstd"), encoding::zstd);
  EXPECT_EQ(parse_encoding("gzip, gzip").code(), errc::unsupported);
  EXPECT_EQ(parse_encoding("br").code(), errc::unsupported);
}

TEST(ByteBudgetTest, GrantsUpToItsLimit) {
  auto budget = std::make_shared<byte_budget>(100);
  byte_lease a(budget);
  EXPECT_TRUE(a.grow(60).ok());
  byte_lease b(budget);
  EXPECT_EQ(b.grow(41).code(), errc::resource_exhausted);
  EXPECT_TRUE(b.grow(40).ok());
  a.shrink(10);
  EXPECT_EQ(budget->used(), 50u);
  EXPECT_TRUE(b.grow(90).ok());
  b = std::move(a);
  EXPECT_EQ(budget->used(), 10u);
  b = byte_lease();
  EXPECT_EQ(budget->used(), 0u);
  EXPECT_EQ(budget->peak(), 100u);
  EXPECT_EQ(budget->refused(), 1u);
}

}  // namespace
}  // namespace troupe::http::test
