#pragma once

#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace beckon::xml {

/// `text` with the characters escaped that mean something inside an element or a quoted attribute.
/// Octets XML cannot carry (controls, broken UTF-8) become U+FFFD.
std::string escape(std::string_view text);
void append_escaped(std::string& out, std::string_view text);

/// Prints XML without white space between elements. Element and attribute names are written as given, with
/// their prefix; `declare` binds prefixes. Names come from us, values from anywhere.
class Writer {
 public:
  /// With `declaration` the text starts with the XML declaration.
  enum class Start { declaration, fragment };
  explicit Writer(Start start = Start::declaration);

  Writer& open(std::string_view name);
  /// Only between `open` and the first content. An empty prefix is the default namespace.
  Writer& declare(std::string_view prefix, std::string_view ns);
  Writer& attribute(std::string_view name, std::string_view value);
  Writer& attribute(std::string_view name, std::uint64_t value);
  Writer& text(std::string_view text);
  /// XML that is finished already: a kept fragment.
  Writer& raw(std::string_view xml);
  Writer& close();
  /// open, text, close.
  Writer& element(std::string_view name, std::string_view text);

  /// The document will have so many octets, about.
  void reserve(std::size_t size) { out_.reserve(size); }
  /// Octets written so far, an open start tag not yet ended.
  std::size_t size() const { return out_.size(); }
  /// Closes what is open and gives the text.
  std::string finish();

 private:
  /// Where the name of an open element stands in the text.
  struct Name {
    std::size_t begin;
    std::size_t size;
  };
  void end_start_tag();
  void write_value(std::string_view value);

  std::string out_;
  boost::container::small_vector<Name, 8> open_;
  bool in_start_tag_ = false;
};

}  // namespace beckon::xml
