using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Matrix products as contractions.</summary>
static class MatrixProducts
{
    public static void Gemm(OperatorCall call) => call.Set(General(call));

    /// <summary>alpha · A·B + beta · C, as the attributes of a node say.</summary>
    public static Node General(OperatorCall call)
    {
        var builder = call.Builder;
        var (a, b) = (call.Node(0), call.Node(1));
        if (a.Shape.Rank != 2 || b.Shape.Rank != 2) throw call.Fail($"its operands have shapes {a.Shape} and {b.Shape}; both must be matrices");
        var (left, right) = (call.Int("transA", 0) != 0 ? "km" : "mk", call.Int("transB", 0) != 0 ? "nk" : "kn");
        call.UsedAs(0, ParameterRole.Dense, Array.ConvertAll(left.ToCharArray(), letter => letter == 'm' ? AxisMeaning.Output : AxisMeaning.Input));
        call.UsedAs(1, ParameterRole.Dense, Array.ConvertAll(right.ToCharArray(), letter => letter == 'n' ? AxisMeaning.Output : AxisMeaning.Input));
        var y = builder.Scale(builder.Contract(left, right, "mn", a, b), call.Float("alpha", 1));
        if (call.Has(2))
        {
            var c = call.Node(2);
            var meanings = new AxisMeaning[c.Shape.Rank];
            if (meanings.Length > 0) meanings[^1] = AxisMeaning.Output;
            call.UsedAs(2, ParameterRole.Bias, meanings);
            y = builder.Add(y, builder.BroadcastTo(builder.Scale(c, call.Float("beta", 1)), y.Shape));
        }

        return y;
    }

    public static void MatMul(OperatorCall call)
    {
        var (a, b) = (call.Node(0), call.Node(1));
        NoteRoles(call, a.Shape.Rank, b.Shape.Rank);
        call.Set(Product(call.Builder, a, b));
    }

    /// <summary>NumPy's matmul: vectors are promoted, leading axes are broadcast.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Node Product(ProgramBuilder builder, Node a, Node b)
    {
        if (a.Shape.Rank == 0 || b.Shape.Rank == 0) throw new ArgumentException("a matrix product of single numbers");
        var letters = new AxisLetters();
        var inner = letters.Take(1);
        var rows = a.Shape.Rank > 1 ? letters.Take(1) : "";
        var columns = b.Shape.Rank > 1 ? letters.Take(1) : "";
        var (leftLead, rightLead) = (Math.Max(0, a.Shape.Rank - 2), Math.Max(0, b.Shape.Rank - 2));
        var lead = Math.Max(leftLead, rightLead);
        var batch = letters.Take(lead);
        string left = "", right = "", output = "";
        List<int> leftSizes = [], rightSizes = [], made = [];
        for (var k = 0; k < lead; k++)
        {
            // A leading axis of size 1 on one side only is left out there; the other side's repeats it.
            var (i, j) = (k - (lead - leftLead), k - (lead - rightLead));
            var (m, n) = (i >= 0 ? a.Shape[i] : 1, j >= 0 ? b.Shape[j] : 1);
            if (m != n && m != 1 && n != 1) throw new ArgumentException($"shapes {a.Shape} and {b.Shape} do not broadcast");
            var letter = batch[k];
            if (i >= 0 && (m != 1 || n == 1))
            {
                left += letter;
                leftSizes.Add(m);
            }

            if (j >= 0 && (n != 1 || (m == 1 && i < 0)))
            {
                right += letter;
                rightSizes.Add(n);
            }

            output += letter;
            made.Add(Math.Max(m, n));
        }

        if (rows.Length > 0) leftSizes.Add(a.Shape[a.Shape.Rank - 2]);
        leftSizes.Add(a.Shape[a.Shape.Rank - 1]);
        if (columns.Length > 0) rightSizes.AddRange([b.Shape[b.Shape.Rank - 2], b.Shape[b.Shape.Rank - 1]]);
        else rightSizes.Add(b.Shape[0]);
        return builder.Contract(left + rows + inner, right + inner + columns, output + rows + columns,
            builder.Reshape(a, new Shape([.. leftSizes])), builder.Reshape(b, new Shape([.. rightSizes])));
    }

    static void NoteRoles(OperatorCall call, int left, int right)
    {
        AxisMeaning[] first = left == 1 ? [AxisMeaning.Input] : [.. Enumerable.Repeat(AxisMeaning.Other, left - 2), AxisMeaning.Output, AxisMeaning.Input];
        AxisMeaning[] second = right == 1 ? [AxisMeaning.Input] : [.. Enumerable.Repeat(AxisMeaning.Other, right - 2), AxisMeaning.Input, AxisMeaning.Output];
        call.UsedAs(0, ParameterRole.Dense, first);
        call.UsedAs(1, ParameterRole.Dense, second);
    }
}
