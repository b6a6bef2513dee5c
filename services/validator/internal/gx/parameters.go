package gx

// parameters puts values in place of {"$PARAMETER": …}.
func (p *Plan) parameters(kwargs Object) (Object, error) { return kwargs, nil }
