// Usage: compose_documents FOLDER DOCUMENT...
// Composes the published presence documents, each alone and each with the next ones, with a call and without,
// at several moments, and writes what watchers would get into FOLDER.

#include <fstream>
#include <iostream>
#include <iterator>
#include <list>
#include <string>

#include "protocol/base/text.hpp"
#include "server/presence/composition.hpp"
#include "server/presence/filter.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::presence;

namespace {

const std::string alice = "sip:alice@example.org";

std::string read(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  std::list<publication::Reading> readings;
  std::vector<Source> published;
  for (int i = 2; i < argc; ++i) {
    Arrival arrival;
    arrival.at = *parse_time("2026-11-21T04:00:00Z") + std::chrono::seconds(i);
    readings.push_back(read_document(read(argv[i]), arrival, 256, false));
    if (!readings.back().state) {
      std::cerr << argv[i] << ": not read\n";
      return 1;
    }
    published.push_back(
        {static_cast<std::uint16_t>(i), static_cast<const Document*>(readings.back().state.get())});
  }
  registrar::Binding binding({.contact = "sip:a@192.0.2.9", .instance = "urn:uuid:1"});
  const std::vector<const registrar::Binding*> silent{&binding};
  std::size_t number = 0;
  const auto write = [&](const documents::Presence& presence) {
    std::ofstream(std::string(argv[1]) + "/composed" + std::to_string(++number) + ".xml", std::ios::binary)
        << documents::print(presence);
  };
  documents::Transformations little;
  little.services.all = little.persons.all = little.devices.all = true;
  little.attributes = {"activities", "user-input"};
  little.user_input = "bare";
  write(closed_presence(alice));
  for (std::size_t first = 0; first < published.size(); ++first)
    for (std::size_t count = 1; count <= 4; ++count) {
      std::vector<Source> sources;
      for (std::size_t i = 0; i < count; ++i) sources.push_back(published[(first + i) % published.size()]);
      for (const char* time : {"2005-08-20T00:00:00Z", "2026-11-21T05:00:00Z"})
        for (const bool on_the_phone : {false, true}) {
          Circumstances circumstances{.now = *parse_time(time), .on_the_phone = on_the_phone};
          Names names;
          write(compose(alice, sources, silent, circumstances, names).presence);
          Names other_names;
          circumstances.what = &little;
          auto made = compose(alice, sources, {}, circumstances, other_names);
          filter(made.presence, little);
          write(made.presence);
        }
    }
}
