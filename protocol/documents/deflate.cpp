#include "protocol/documents/deflate.hpp"

#include <zlib.h>

#include <algorithm>

namespace beckon::documents {

Result<std::string> inflate(std::string_view body, std::size_t octets_max) {
  // One octet more than is allowed shows what is too long.
  std::string out(octets_max + 1, '\0');
  uLongf out_size = out.size();
  uLong read = body.size();
  const auto* octets = reinterpret_cast<const Bytef*>(body.data());
  const int outcome = uncompress2(reinterpret_cast<Bytef*>(out.data()), &out_size, octets, &read);
  if (outcome != Z_OK || read != body.size() || out_size > octets_max) return Errc::bad_value;
  out.resize(out_size);
  out.shrink_to_fit();
  return out;
}

}  // namespace beckon::documents
