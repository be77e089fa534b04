using Tiebreak.Numbers;

namespace Tiebreak.Refinement;

/// <summary>Theory §3, step 3: the gradient at a random point of a state decides the next state. Gradients arrive in pieces, tensor by tensor.</summary>
sealed class Round<TField>(TField field, State before, int number, StartValues startValues) where TField : struct, IField
{
    readonly ClassTable _classes = new();
    readonly List<int> _firstSteps = [0];
    readonly int[][] _codes = new int[before.Codes.Length][];
    ulong[] _keys = [];

    /// <summary>Takes gradients of a parameter from <paramref name="start"/> on.</summary>
    public void Accept(string name, int lane, long start, ReadOnlySpan<ulong> gradients)
    {
        var tensor = before.IndexOf(name);
        var old = before.Codes[tensor];
        var codes = _codes[tensor] ??= new int[old.Length];
        if (_keys.Length < gradients.Length) _keys = new ulong[gradients.Length];
        var keys = _keys.AsSpan(0, gradients.Length);
        startValues.Read(before.Model.Parameters[tensor].Start, start, keys);
        var half = field.Modulus / 2;
        for (var i = 0; i < gradients.Length; i++)
        {
            var gradient = gradients[i];
            var was = old[start + i];
            if (was == 0 && gradient == 0) continue; // stays stuck

            // From a start value other than 0 the sign is its own; from 0 it is the gradient's, up to a common one.
            var negative = keys[i] == 0 ? gradient > half : StartValues.IsNegative(keys[i]);
            if (negative && gradient != 0) gradient = field.Modulus - gradient;
            var next = _classes.ClassOf(StartValues.Magnitude(keys[i]), gradient);
            if (next == _firstSteps.Count) _firstSteps.Add(was == 0 ? number : before.FirstSteps[Math.Abs(was)]);
            codes[start + i] = negative ? -next : next;
        }
    }

    /// <summary>The next state, once all gradients are in. A parameter that got none has gradient zero: it was stuck and stays so.</summary>
    public State Next()
    {
        for (var tensor = 0; tensor < _codes.Length; tensor++) _codes[tensor] ??= new int[before.Codes[tensor].Length];
        return new State(before.Model, _codes, _firstSteps);
    }
}

/// <summary>Checks that a gradient at a random point of a state has the state's own pattern: zero where stuck, equal up to sign within each class.</summary>
sealed class Verification<TField>(TField[] fields, State state) where TField : struct, IField
{
    const ulong Unknown = ulong.MaxValue;
    readonly ulong[][] _gradientOf = [.. fields.Select(_ => NewTable(state.Classes + 1))];

    /// <summary>The name of the first tensor whose gradient has another pattern, or null.</summary>
    public string? Violation { get; private set; }

    public void Accept(string name, int lane, long start, ReadOnlySpan<ulong> gradients)
    {
        if (Violation is not null) return;
        var field = fields[lane];
        var known = _gradientOf[lane];
        var codes = state.Codes[state.IndexOf(name)].AsSpan((int)start, gradients.Length);
        for (var i = 0; i < gradients.Length; i++)
        {
            var code = codes[i];
            var gradient = gradients[i];
            if (code == 0)
            {
                if (gradient == 0) continue;
                Violation = name;
                return;
            }

            if (code < 0) (code, gradient) = (-code, field.Negate(gradient));
            if (known[code] == Unknown) known[code] = gradient;
            if (known[code] == gradient) continue;
            Violation = name;
            return;
        }
    }

    static ulong[] NewTable(int count)
    {
        var table = new ulong[count];
        Array.Fill(table, Unknown);
        return table;
    }
}
