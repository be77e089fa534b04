using Tiebreak.Programs;

namespace Tiebreak.Refinement;

/// <summary>
/// How likely one verification overlooks a false equation (theory §4), and so how many are needed.
/// <para>
/// Every value is a polynomial in independent random numbers: data, class values, oracle results, and reciprocals. A verification
/// evaluates it in two fields at once, of two primes drawn at random in [2⁶⁰, 2⁶¹). In one field a polynomial of degree D that is not
/// zero vanishes with chance at most D/2⁶⁰ (Schwartz-Zippel), or because the prime divides its coefficients, which happens with chance at most
/// (bits/60) · 42/2⁶⁰, as there are at least 2⁶⁰/42 such primes and an integer of b bits has at most b/60 such factors. Oracles
/// see both fields, so two different arguments are confused only if they agree in both; N oracle calls make fewer than N² pairs (a sign counted
/// twice). Hence ε = (N² + 1) · q², q the chance in one field.
/// </para>
/// </summary>
static class ErrorBound
{
    const double FieldSize = 1152921504606846976; // 2⁶⁰, the least number of values a draw takes
    const double BitsPerDegree = 4096; // covers a double's 2,098 bits and the longest decimal a formula may hold
    const int MostVerifications = 24;

    /// <summary>ε for one verification of the given gradient program; at most 1.</summary>
    public static double Epsilon(TensorProgram program)
    {
        var degree = Degrees(program, out var oracleCalls);
        var bits = degree * BitsPerDegree + 64.0 * program.Nodes.Count;
        var single = Math.Min(1, degree / FieldSize + bits / 60 * 42 / FieldSize);
        return Math.Min(1, (oracleCalls * oracleCalls + 1) * single * single);
    }

    /// <summary>How many verifications bring rounds · εᵏ below the bound; at least 1, and no more than are bearable.</summary>
    public static int Verifications(double epsilon, int rounds, double bound)
    {
        if (epsilon >= 1) return MostVerifications;
        var needed = Math.Ceiling((Math.Log(bound) - Math.Log(rounds)) / Math.Log(epsilon));
        return (int)Math.Clamp(needed, 1, MostVerifications);
    }

    // The largest degree of any node once all reciprocals are multiplied out, level by level of their nesting. A reciprocal of an
    // oracle result that is used in no other way is itself as good as drawn, and counts as such.
    static double Degrees(TensorProgram program, out double oracleCalls)
    {
        var degree = new double[program.Nodes.Count];
        var level = new int[program.Nodes.Count];
        var drawn = DrawnReciprocals(program);
        var clearing = new List<double> { 0 }; // for each level Σ over its reciprocals of the degree of what they divide by
        oracleCalls = 0;
        foreach (var node in program.Nodes)
        {
            var operands = node.Operands;
            level[node.Id] = operands.Count == 0 ? 0 : operands.Max(operand => level[operand.Id]);
            switch (node.Primitive)
            {
                case Primitive.Apply or Primitive.Choose:
                    (degree[node.Id], level[node.Id]) = (1, 0);
                    oracleCalls += node.Shape.Count;
                    break;
                case Primitive.Reciprocal when drawn[node.Id]:
                    (degree[node.Id], level[node.Id]) = (1, 0);
                    break;
                case Primitive.Reciprocal:
                    degree[node.Id] = 1;
                    if (++level[node.Id] >= clearing.Count) clearing.Add(0);
                    clearing[level[node.Id]] += node.Shape.Count * degree[operands[0].Id];
                    break;
                case Primitive.Multiply or Primitive.Contract:
                    degree[node.Id] = degree[operands[0].Id] + degree[operands[1].Id];
                    break;
                default:
                    degree[node.Id] = operands.Count == 0 ? 1 : operands.Max(operand => degree[operand.Id]);
                    break;
            }
        }

        var total = degree.Length == 0 ? 1 : degree.Max();
        for (var k = clearing.Count - 1; k >= 1; k--) total *= 1 + clearing[k];
        return total;
    }

    static bool[] DrawnReciprocals(TensorProgram program)
    {
        var onlyInverted = new bool[program.Nodes.Count];
        Array.Fill(onlyInverted, true);
        foreach (var (_, node) in program.Outputs) onlyInverted[node.Id] = false;
        for (var id = program.Nodes.Count - 1; id >= 0; id--)
        {
            var node = program.Nodes[id];
            foreach (var operand in node.Operands)
                onlyInverted[operand.Id] &= node.Primitive is Primitive.Reciprocal || (IsLook(node.Primitive) && onlyInverted[id]);
        }

        var drawn = new bool[program.Nodes.Count];
        foreach (var node in program.Nodes)
            if (node.Primitive is Primitive.Reciprocal)
            {
                var source = node.Operands[0];
                while (IsLook(source.Primitive)) source = source.Operands[0];
                drawn[node.Id] = source.Primitive is Primitive.Apply && onlyInverted[source.Id];
            }

        return drawn;
    }

    static bool IsLook(Primitive primitive) => primitive is Primitive.Reshape or Primitive.Transpose or Primitive.Broadcast;
}
