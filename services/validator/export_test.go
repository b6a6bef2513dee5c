package validator

// Check reads the spec of a stage.
var Check = (*stage)(nil).Check
