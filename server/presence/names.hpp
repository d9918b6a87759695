#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <string>
#include <string_view>

namespace beckon::server::presence {

/// The ids of one document, each an xs:ID.
class Names {
 public:
  /// `wanted` where it is an xs:ID and free; else a name made of it and `owner`: the same each time that the
  /// same names are taken.
  std::string claim(std::string wanted, std::string_view owner);
  /// Look-ups and hashes so far.
  std::size_t work() const { return work_; }

 private:
  bool take(const std::string& name);

  boost::unordered_flat_set<std::string> taken_;
  std::size_t work_ = 0;
  std::size_t serial_ = 0;  ///< Of made names that were taken: it only rises, so no name is tried twice.
};

/// A short name made of `text`, the same each time.
std::string short_hash(std::string_view text);

}  // namespace beckon::server::presence
