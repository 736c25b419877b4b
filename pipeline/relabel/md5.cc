#include "pipeline/relabel/md5.h"

#include "storage/base/check.h"

#include <openssl/evp.h>

namespace troupe::relabel {

uint64_t md5_tail(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  TROUPE_CHECK(EVP_Digest(text.data(), text.size(), digest, &size, EVP_md5(), nullptr) == 1 &&
               size == 16);
  uint64_t out = 0;
  for (unsigned i = 8; i < 16; ++i)
    out = (out << 8) | digest[i];
  return out;
}

}  // namespace troupe::relabel
