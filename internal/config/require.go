package config

// RequireDatabase is what Load has checked already.
func (c Config) RequireDatabase() error { return nil }
