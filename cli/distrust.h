// What the program does against files that mean harm: graphs, catalogs and images name other files,
// and GDAL knows many things besides files.
#pragma once

namespace cube {

// Before GDAL's drivers are registered, on one thread:
// - Without --allow-exec no code runs that files bring along: drivers that start programs or load
//   libraries which a name states (GPSBabel, ODBC and what is built on it, OGDI) are not
//   registered, and Python in VRT files is not run, whatever the environment says.
// - Names stand for files, here or on a server, and for nothing else: nor are drivers of databases
//   and of web services, which take connections, logins and caches from the text of a name.
// - What GDAL prints is printed without secrets in URLs.
void distrust_files();

// With --allow-exec: Python in VRT files is run where the environment says so.
void allow_code_in_files();

}  // namespace cube
