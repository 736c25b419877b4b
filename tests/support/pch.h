// Precompiled for every test: GoogleTest costs one and a half seconds per file otherwise.
#pragma once

#include "storage/base/pch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
